namespace Hospes.Vmm;

/// <summary>Why a domain can't be made: a closed set, one member per stage.</summary>
public enum VmmError
{
    /// <summary>The engine that was asked for does not exist.</summary>
    UnknownEngine,

    /// <summary>This host does not have the engine that was asked for.</summary>
    EngineUnavailable,

    /// <summary>The engine has no such processor model.</summary>
    UnknownCpuModel,

    /// <summary>The engine made no guest or virtual processor.</summary>
    EngineRefused,

    /// <summary>The machine's configuration is impossible, or the host has not the memory for it.</summary>
    Machine,

    /// <summary>What is behind a device can't be opened: a disk image, a network.</summary>
    Device,

    /// <summary>The guest's memory can't be built from this kernel and initrd.</summary>
    Build,
}

/// <summary>Why a domain can't be made, in words.</summary>
/// <param name="Error">The stage that failed.</param>
/// <param name="Cause">What is wrong: a clause without a full stop.</param>
/// <param name="Remedy">What to do about it: a clause without a full stop.</param>
public sealed record VmmFailure(VmmError Error, string Cause, string Remedy)
{
    /// <summary>One line: cause and remedy.</summary>
    public string Message => $"{Cause}; {Remedy}";
}
