namespace Hospes.Hypervisor;

/// <summary>What a handle may do. A duplicate carries the same rights or fewer, never more (Zircon, "Rights").</summary>
[Flags]
public enum Rights
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The handle may be duplicated.</summary>
    Duplicate = 1 << 0,

    /// <summary>The handle may be handed to another owner.</summary>
    Transfer = 1 << 1,

    /// <summary>State may be read.</summary>
    Read = 1 << 2,

    /// <summary>State may be written, traps may be set.</summary>
    Write = 1 << 3,

    /// <summary>A virtual processor may be run and kicked.</summary>
    Execute = 1 << 4,

    /// <summary>Interrupts may be raised.</summary>
    Signal = 1 << 5,

    /// <summary>Virtual processors may be created in the guest.</summary>
    ManageProcess = 1 << 6,

    /// <summary>The rights of a new guest handle (zx_guest_create).</summary>
    DefaultGuest = Transfer | Duplicate | Write | ManageProcess,

    /// <summary>The rights of a new vCPU handle (zx_vcpu_create).</summary>
    DefaultVcpu = Duplicate | Transfer | Execute | Signal | Read | Write,

    /// <summary>The rights of a new port or interrupt handle.</summary>
    DefaultPort = Duplicate | Transfer | Read | Write,
}
