namespace Hospes.Hypervisor;

/// <summary>
/// The outcome of every call of the contract: a closed set, named after Zircon's <c>zx_status_t</c> values.
/// Expected failures are these values; exceptions are for faults of the program itself.
/// </summary>
public enum Status
{
    /// <summary>The call did what it says.</summary>
    Ok = 0,

    /// <summary>The engine has a fault of its own; the guest can't go on (ZX_ERR_INTERNAL).</summary>
    Internal,

    /// <summary>The host or the engine can't do this (ZX_ERR_NOT_SUPPORTED).</summary>
    NotSupported,

    /// <summary>The host has no memory left for it (ZX_ERR_NO_MEMORY).</summary>
    NoMemory,

    /// <summary>An argument is not of the form that the call asks for (ZX_ERR_INVALID_ARGS).</summary>
    InvalidArgs,

    /// <summary>The handle is to an object of another type (ZX_ERR_WRONG_TYPE).</summary>
    WrongType,

    /// <summary>A number is outside the range that the object has (ZX_ERR_OUT_OF_RANGE).</summary>
    OutOfRange,

    /// <summary>The object is in a state in which this can't be done, or the caller is on the wrong thread (ZX_ERR_BAD_STATE).</summary>
    BadState,

    /// <summary>The time given ran out first (ZX_ERR_TIMED_OUT).</summary>
    TimedOut,

    /// <summary>The wait or run was cancelled by a kick or by the closing of the object (ZX_ERR_CANCELED).</summary>
    Canceled,

    /// <summary>Something already occupies that place (ZX_ERR_ALREADY_EXISTS).</summary>
    AlreadyExists,

    /// <summary>The interrupt is bound to another virtual processor (ZX_ERR_ALREADY_BOUND).</summary>
    AlreadyBound,

    /// <summary>The handle lacks a right that the call needs (ZX_ERR_ACCESS_DENIED).</summary>
    AccessDenied,

    /// <summary>Nothing is mapped or registered there (ZX_ERR_NOT_FOUND).</summary>
    NotFound,
}
