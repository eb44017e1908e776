namespace Hospes.Hypervisor;

/// <summary>What an engine may or may not be able to do. Asked for with <see cref="IEngine.Supports"/>, never assumed.</summary>
public enum Capability
{
    /// <summary>Guests execute on the host's own processor with hardware virtualization.</summary>
    HardwareExecution,

    /// <summary>Writes to guest memory are logged by page (<see cref="Guest.CollectDirtyPages"/>).</summary>
    DirtyLog,

    /// <summary>The whole architectural state can be read and written (<see cref="Vcpu.ReadState"/>).</summary>
    FullState,

    /// <summary>The guest's time stamp counter has a frequency that the creator chooses.</summary>
    TscScaling,

    /// <summary>Memory can be given back while the guest runs (<see cref="GuestMemory.Discard"/>).</summary>
    MemoryDiscard,

    /// <summary>Memory ranges can be mapped while virtual processors run.</summary>
    MemoryHotplug,

    /// <summary>A debugger outside of the guest can have its processors stop (<see cref="Vcpu.SetDebug"/>).</summary>
    Debugging,
}
