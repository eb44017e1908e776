namespace Hospes.Store.Wire;

/// <summary>Every way in which a request can fail, as the wire names it (xs_wire.h, xsd_errors).</summary>
public enum XsError : byte
{
    /// <summary>No error.</summary>
    None = 0,
    /// <summary>The request is malformed (EINVAL).</summary>
    Invalid,
    /// <summary>The caller may not do that (EACCES).</summary>
    AccessDenied,
    /// <summary>It exists already (EEXIST).</summary>
    Exists,
    /// <summary>It is a directory (EISDIR).</summary>
    IsDirectory,
    /// <summary>It does not exist (ENOENT).</summary>
    NotFound,
    /// <summary>A memory limit is reached (ENOMEM).</summary>
    NoMemory,
    /// <summary>A quota is reached (ENOSPC).</summary>
    NoSpace,
    /// <summary>The store could not carry the request out (EIO).</summary>
    InputOutput,
    /// <summary>It is not empty (ENOTEMPTY).</summary>
    NotEmpty,
    /// <summary>The message type is unknown (ENOSYS).</summary>
    NotSupported,
    /// <summary>The connection is read-only (EROFS).</summary>
    ReadOnly,
    /// <summary>Not now: a transaction is open, or the domain is in use (EBUSY).</summary>
    Busy,
    /// <summary>The transaction conflicts with another change; try it again (EAGAIN).</summary>
    TryAgain,
    /// <summary>It is connected already (EISCONN).</summary>
    Connected,
    /// <summary>The answer does not fit in one message (E2BIG).</summary>
    TooBig,
    /// <summary>Only the control domain may do that (EPERM).</summary>
    NotPermitted,
}

/// <summary>The wire's words for <see cref="XsError"/>.</summary>
public static class XsErrorNames
{
    /// <summary>The error's name on the wire, without the nul that ends it.</summary>
    /// <param name="error">Any error except <see cref="XsError.None"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value names no error.</exception>
    public static ReadOnlySpan<byte> ToWire(XsError error) => error switch
    {
        XsError.Invalid => "EINVAL"u8,
        XsError.AccessDenied => "EACCES"u8,
        XsError.Exists => "EEXIST"u8,
        XsError.IsDirectory => "EISDIR"u8,
        XsError.NotFound => "ENOENT"u8,
        XsError.NoMemory => "ENOMEM"u8,
        XsError.NoSpace => "ENOSPC"u8,
        XsError.InputOutput => "EIO"u8,
        XsError.NotEmpty => "ENOTEMPTY"u8,
        XsError.NotSupported => "ENOSYS"u8,
        XsError.ReadOnly => "EROFS"u8,
        XsError.Busy => "EBUSY"u8,
        XsError.TryAgain => "EAGAIN"u8,
        XsError.Connected => "EISCONN"u8,
        XsError.TooBig => "E2BIG"u8,
        XsError.NotPermitted => "EPERM"u8,
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };

    /// <summary>Reads an error's wire name; a name that the protocol does not list means <see cref="XsError.Invalid"/>, as clients do.</summary>
    /// <param name="name">The name, without its nul.</param>
    public static XsError FromWire(ReadOnlySpan<byte> name)
    {
        for (XsError error = XsError.Invalid; error <= XsError.NotPermitted; error++)
            if (name.SequenceEqual(ToWire(error))) return error;
        return XsError.Invalid;
    }
}
