namespace Hospes.Qmp;

/// <summary>The classes of errors (QEMU, <c>qapi/error.json</c>, <c>QapiErrorClass</c>): a closed set. Programs look at the class, people read the text.</summary>
public enum QmpErrorClass
{
    /// <summary>Any error that no other class is for.</summary>
    GenericError,

    /// <summary>There is no such command, or not before or after the negotiation of capabilities.</summary>
    CommandNotFound,

    /// <summary>The device is not in the state that the command needs.</summary>
    DeviceNotActive,

    /// <summary>There is no such device.</summary>
    DeviceNotFound,

    /// <summary>The host's KVM lacks what the command needs.</summary>
    KVMMissingCap,
}

/// <summary>Why a command was not done.</summary>
/// <param name="Class">Its class.</param>
/// <param name="Description">What is wrong, for people.</param>
public sealed record QmpError(QmpErrorClass Class, string Description)
{
    /// <summary>An error that no other class is for.</summary>
    /// <param name="description">What is wrong.</param>
    public static QmpError Generic(string description) => new(QmpErrorClass.GenericError, description);

    /// <summary>There is no such device.</summary>
    /// <param name="device">The name that was asked for.</param>
    public static QmpError NoDevice(string device) => new(QmpErrorClass.DeviceNotFound, $"Device '{device}' not found");
}
