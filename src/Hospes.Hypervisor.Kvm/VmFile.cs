using System.Runtime.InteropServices;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm;

/// <summary>A VM's descriptor, made with the interrupt chips split between kernel and machine.</summary>
internal sealed unsafe class VmFile : IDisposable
{
    /// <summary>
    /// How many routes of level-triggered messages the kernel watches for their end of interrupt (<c>KVM_CAP_SPLIT_IRQCHIP</c>, argument 0):
    /// as many as there are vectors that a device can have.
    /// </summary>
    public const int WatchedRoutes = 240;

    // Three pages below 4 GiB that Intel processors without unrestricted guests need for real mode; no machine has memory there.
    private const ulong IdentityMapAddress = 0xFFFB_C000, TssAddress = 0xFFFB_D000;

    private readonly int _file;

    private VmFile(int file) => _file = file;

    /// <summary>Makes a VM.</summary>
    /// <param name="host">The device.</param>
    /// <param name="ring">The extension and the entries of the dirty ring, or null for the dirty log.</param>
    /// <param name="vm">The VM, or null.</param>
    public static Status TryCreate(KvmHost host, (KvmExtension Extension, uint Entries)? ring, out VmFile? vm)
    {
        vm = null;
        int file;
        do file = LibC.Control(host.File, KvmRequests.CreateVm, 0);
        while (file < 0 && Marshal.GetLastPInvokeError() == LibC.Interrupted);
        if (file < 0) return Marshal.GetLastPInvokeError() == LibC.NoMemory ? Status.NoMemory : Status.NotSupported;
        var made = new VmFile(file);
        const ulong Use32BitIds = 1, NoBroadcastQuirk = 2;
        bool able = made.Enable(KvmExtension.SplitIrqChip, WatchedRoutes)
            && (host.Check(KvmExtension.X2ApicApi) == 0 || made.Enable(KvmExtension.X2ApicApi, Use32BitIds | NoBroadcastQuirk))
            && (ring is not { } asked || made.Enable(asked.Extension, asked.Entries * (ulong)sizeof(KvmDirtyEntry)));
        if (!able)
        {
            made.Dispose();
            return Status.NotSupported;
        }
        // Refused by AMD's side of KVM on some kernels, which has no use for them.
        ulong identity = IdentityMapAddress;
        _ = made.Control(KvmRequests.SetIdentityMapAddress, (nint)(&identity));
        _ = made.Control(KvmRequests.SetTssAddress, unchecked((nint)TssAddress));
        vm = made;
        return Status.Ok;
    }

    /// <summary>A request on the VM: its answer, or minus the error number.</summary>
    public int Control(uint request, nint argument)
    {
        int result = LibC.Control(_file, request, argument);
        return result >= 0 ? result : -Marshal.GetLastPInvokeError();
    }

    /// <inheritdoc/>
    public void Dispose() => _ = LibC.Close(_file);

    private bool Enable(KvmExtension extension, ulong argument)
    {
        var request = new KvmEnableCapability { Capability = (uint)extension };
        request.Arguments[0] = argument;
        return Control(KvmRequests.EnableCapability, (nint)(&request)) == 0;
    }
}
