using Hospes.Domains;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt;

/// <summary>libvirt's error numbers that are used here (<c>virErrorNumber</c>, include/libvirt/virterror.h).</summary>
public enum ErrorCode
{
    /// <summary><c>VIR_ERR_INTERNAL_ERROR</c></summary>
    InternalError = 1,

    /// <summary><c>VIR_ERR_NO_SUPPORT</c></summary>
    NoSupport = 3,

    /// <summary><c>VIR_ERR_INVALID_ARG</c></summary>
    InvalidArgument = 8,

    /// <summary><c>VIR_ERR_OPERATION_FAILED</c></summary>
    OperationFailed = 9,

    /// <summary><c>VIR_ERR_XML_ERROR</c></summary>
    XmlError = 27,

    /// <summary><c>VIR_ERR_OPERATION_DENIED</c></summary>
    OperationDenied = 29,

    /// <summary><c>VIR_ERR_XML_DETAIL</c></summary>
    XmlDetail = 35,

    /// <summary><c>VIR_ERR_SYSTEM_ERROR</c></summary>
    SystemError = 38,

    /// <summary><c>VIR_ERR_RPC</c></summary>
    Rpc = 39,

    /// <summary><c>VIR_ERR_NO_DOMAIN</c></summary>
    NoDomain = 42,

    /// <summary><c>VIR_ERR_NO_NETWORK</c></summary>
    NoNetwork = 43,

    /// <summary><c>VIR_ERR_AUTH_FAILED</c></summary>
    AuthenticationFailed = 45,

    /// <summary><c>VIR_ERR_NO_STORAGE_POOL</c></summary>
    NoStoragePool = 49,

    /// <summary><c>VIR_ERR_NO_STORAGE_VOL</c></summary>
    NoStorageVolume = 50,

    /// <summary><c>VIR_ERR_NO_NODE_DEVICE</c></summary>
    NoNodeDevice = 53,

    /// <summary><c>VIR_ERR_OPERATION_INVALID</c></summary>
    OperationInvalid = 55,

    /// <summary><c>VIR_ERR_NO_INTERFACE</c></summary>
    NoInterface = 57,

    /// <summary><c>VIR_ERR_NO_NWFILTER</c></summary>
    NoFilter = 62,

    /// <summary><c>VIR_ERR_NO_SECRET</c></summary>
    NoSecret = 66,

    /// <summary><c>VIR_ERR_CONFIG_UNSUPPORTED</c></summary>
    ConfigurationUnsupported = 67,

    /// <summary><c>VIR_ERR_OPERATION_TIMEOUT</c></summary>
    OperationTimeout = 68,

    /// <summary><c>VIR_ERR_HOOK_SCRIPT_FAILED</c></summary>
    HookScriptFailed = 70,

    /// <summary><c>VIR_ERR_ARGUMENT_UNSUPPORTED</c></summary>
    ArgumentUnsupported = 74,

    /// <summary><c>VIR_ERR_OPERATION_ABORTED</c></summary>
    OperationAborted = 78,

    /// <summary><c>VIR_ERR_NO_DOMAIN_METADATA</c></summary>
    NoDomainMetadata = 80,

    /// <summary><c>VIR_ERR_OPERATION_UNSUPPORTED</c></summary>
    OperationUnsupported = 84,

    /// <summary><c>VIR_ERR_RESOURCE_BUSY</c></summary>
    ResourceBusy = 87,

    /// <summary><c>VIR_ERR_STORAGE_VOL_EXIST</c></summary>
    StorageVolumeExists = 90,

    /// <summary><c>VIR_ERR_XML_INVALID_SCHEMA</c></summary>
    XmlInvalidSchema = 92,

    /// <summary><c>VIR_ERR_DEVICE_MISSING</c></summary>
    DeviceMissing = 99,
}

/// <summary>Where errors come from (<c>virErrorDomain</c>).</summary>
public enum ErrorDomain
{
    /// <summary><c>VIR_FROM_XML</c></summary>
    Xml = 5,

    /// <summary><c>VIR_FROM_DOM</c></summary>
    Dom = 6,

    /// <summary><c>VIR_FROM_RPC</c></summary>
    Rpc = 7,

    /// <summary><c>VIR_FROM_STORAGE</c></summary>
    Storage = 18,

    /// <summary><c>VIR_FROM_NETWORK</c></summary>
    Network = 19,

    /// <summary><c>VIR_FROM_DOMAIN</c></summary>
    Domain = 20,

    /// <summary><c>VIR_FROM_NODEDEV</c></summary>
    NodeDevice = 22,

    /// <summary><c>VIR_FROM_INTERFACE</c></summary>
    Interface = 26,

    /// <summary><c>VIR_FROM_SECRET</c></summary>
    Secret = 30,

    /// <summary><c>VIR_FROM_NWFILTER</c></summary>
    Filter = 33,
}

/// <summary>An error as it goes to clients (<c>remote_error</c>).</summary>
/// <param name="Code">The number.</param>
/// <param name="Domain">Where it comes from.</param>
/// <param name="Detail">What exactly. The message is libvirt's words for the number, then this.</param>
public sealed record LibvirtError(ErrorCode Code, ErrorDomain Domain, string Detail)
{
    /// <summary><c>VIR_ERR_ERROR</c>: the level of everything that is no warning.</summary>
    private const int Level = 2;

    /// <summary>The message that people see (the words of <c>virErrorMsg</c>, src/util/virerror.c).</summary>
    public string Message => Code switch
    {
        ErrorCode.InternalError => $"internal error: {Detail}",
        ErrorCode.NoSupport => $"this function is not supported by the connection driver: {Detail}",
        ErrorCode.InvalidArgument => $"invalid argument: {Detail}",
        ErrorCode.OperationFailed => $"operation failed: {Detail}",
        ErrorCode.XmlError => $"XML error: {Detail}",
        ErrorCode.OperationDenied => $"operation {Detail} forbidden for read only access",
        ErrorCode.XmlInvalidSchema => $"XML document failed to validate against schema: {Detail}",
        ErrorCode.NoDomain => $"Domain not found: {Detail}",
        ErrorCode.NoNetwork => $"Network not found: {Detail}",
        ErrorCode.AuthenticationFailed => $"authentication failed: {Detail}",
        ErrorCode.NoStoragePool => $"Storage pool not found: {Detail}",
        ErrorCode.NoStorageVolume => $"Storage volume not found: {Detail}",
        ErrorCode.NoNodeDevice => $"Node device not found: {Detail}",
        ErrorCode.OperationInvalid => $"Requested operation is not valid: {Detail}",
        ErrorCode.NoInterface => $"Interface not found: {Detail}",
        ErrorCode.NoFilter => $"Network filter not found: {Detail}",
        ErrorCode.NoSecret => $"Secret not found: {Detail}",
        ErrorCode.ConfigurationUnsupported => $"unsupported configuration: {Detail}",
        ErrorCode.OperationTimeout => $"Timed out during operation: {Detail}",
        ErrorCode.HookScriptFailed => $"Hook script execution failed: {Detail}",
        ErrorCode.ArgumentUnsupported => $"argument unsupported: {Detail}",
        ErrorCode.OperationAborted => $"operation aborted: {Detail}",
        ErrorCode.NoDomainMetadata => $"metadata not found: {Detail}",
        ErrorCode.OperationUnsupported => $"Operation not supported: {Detail}",
        ErrorCode.ResourceBusy => $"resource busy: {Detail}",
        ErrorCode.DeviceMissing => $"device not found: {Detail}",
        _ => Detail,
    };

    /// <summary>What a domain's failure is to clients.</summary>
    public static LibvirtError From(DomainFailure failure) => failure.Error switch
    {
        DomainError.NoDomain => new(ErrorCode.NoDomain, ErrorDomain.Domain, failure.Detail),
        DomainError.MalformedXml => new(ErrorCode.XmlDetail, ErrorDomain.Xml, failure.Detail),
        DomainError.InvalidXml => new(ErrorCode.XmlError, ErrorDomain.Domain, failure.Detail),
        DomainError.UnknownXml => new(ErrorCode.XmlInvalidSchema, ErrorDomain.Xml, failure.Detail),
        DomainError.UnsupportedConfiguration => new(ErrorCode.ConfigurationUnsupported, ErrorDomain.Domain, failure.Detail),
        DomainError.InvalidState => new(ErrorCode.OperationInvalid, ErrorDomain.Domain, failure.Detail),
        DomainError.InvalidArgument => new(ErrorCode.InvalidArgument, ErrorDomain.Domain, failure.Detail),
        DomainError.UnsupportedArgument => new(ErrorCode.ArgumentUnsupported, ErrorDomain.Domain, failure.Detail),
        DomainError.UnsupportedOperation => new(ErrorCode.OperationUnsupported, ErrorDomain.Domain, failure.Detail),
        DomainError.OperationFailed => new(ErrorCode.OperationFailed, ErrorDomain.Domain, failure.Detail),
        DomainError.Aborted => new(ErrorCode.OperationAborted, ErrorDomain.Domain, failure.Detail),
        DomainError.Busy => new(ErrorCode.ResourceBusy, ErrorDomain.Domain, failure.Detail),
        DomainError.Timeout => new(ErrorCode.OperationTimeout, ErrorDomain.Domain, failure.Detail),
        DomainError.System => new(ErrorCode.SystemError, ErrorDomain.Domain, failure.Detail),
        DomainError.NoMetadata => new(ErrorCode.NoDomainMetadata, ErrorDomain.Domain, failure.Detail),
        DomainError.NoPool => new(ErrorCode.NoStoragePool, ErrorDomain.Storage, failure.Detail),
        DomainError.NoVolume => new(ErrorCode.NoStorageVolume, ErrorDomain.Storage, failure.Detail),
        DomainError.VolumeExists => new(ErrorCode.StorageVolumeExists, ErrorDomain.Storage, failure.Detail),
        DomainError.NoNetwork => new(ErrorCode.NoNetwork, ErrorDomain.Network, failure.Detail),
        DomainError.HookFailed => new(ErrorCode.HookScriptFailed, ErrorDomain.Domain, failure.Detail),
        DomainError.NoDevice => new(ErrorCode.DeviceMissing, ErrorDomain.Domain, failure.Detail),
        _ => new(ErrorCode.InternalError, ErrorDomain.Domain, failure.Detail),
    };

    internal void Write(XdrWriter writer)
    {
        writer.Int32((int)Code);
        writer.Int32((int)Domain);
        writer.OptionalText(Message);
        writer.Int32(Level);
        writer.Bool(false);
        writer.OptionalText(Detail);
        writer.OptionalText(null);
        writer.OptionalText(null);
        writer.Int32(-1);
        writer.Int32(-1);
        writer.Bool(false);
    }
}

/// <summary>A result for a client, or an error.</summary>
/// <typeparam name="T">The type of the result.</typeparam>
internal readonly struct Answer<T>
{
    private Answer(T? value, LibvirtError? error)
    {
        Value = value;
        Error = error;
    }

    public T? Value { get; }

    public LibvirtError? Error { get; }

    public static implicit operator Answer<T>(T value) => new(value, null);

    public static implicit operator Answer<T>(LibvirtError error) => new(default, error);

    public static implicit operator Answer<T>(DomainFailure failure) => new(default, LibvirtError.From(failure));
}
