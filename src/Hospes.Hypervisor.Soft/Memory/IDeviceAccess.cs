namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>What the memory management unit asks its processor for: everything that is not plain RAM. Called on the vCPU's thread.</summary>
internal interface IDeviceAccess
{
    /// <summary>Whether a page of physical addresses belongs to the processor itself: the local APIC's.</summary>
    bool IsDevicePage(ulong physicalPage);

    /// <summary>Reads 1, 2, 4 or 8 aligned bytes of a device; leaves with an exception when the machine must answer first.</summary>
    ulong Read(ulong physical, int size);

    /// <summary>Writes 1, 2, 4 or 8 aligned bytes to a device; may leave with an exception.</summary>
    void Write(ulong physical, int size, ulong value);

    /// <summary>Called before a write to a page with decoded code; leaves with an exception when it hits the block being executed,
    /// which is then run instruction by instruction.</summary>
    void BeforeCodeWrite(ulong physical, int size);
}
