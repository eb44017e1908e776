using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm;

/// <summary>The opened device and what the kernel behind it can do. Immutable but for its end.</summary>
internal sealed class KvmHost : IDisposable
{
    /// <summary>What no guest can do without, with its name for people.</summary>
    private static readonly (KvmExtension Extension, string Name)[] Needed =
    [
        (KvmExtension.UserMemory, "KVM_CAP_USER_MEMORY"), (KvmExtension.ExtendedCpuId, "KVM_CAP_EXT_CPUID"), (KvmExtension.MpState, "KVM_CAP_MP_STATE"),
        (KvmExtension.IrqRouting, "KVM_CAP_IRQ_ROUTING"), (KvmExtension.VcpuEvents, "KVM_CAP_VCPU_EVENTS"),
        (KvmExtension.DebugRegisters, "KVM_CAP_DEBUGREGS"), (KvmExtension.ExtendedArea, "KVM_CAP_XSAVE"),
        (KvmExtension.ExtendedControl, "KVM_CAP_XCRS"), (KvmExtension.SignalMessage, "KVM_CAP_SIGNAL_MSI"),
        (KvmExtension.SplitIrqChip, "KVM_CAP_SPLIT_IRQCHIP"), (KvmExtension.ImmediateExit, "KVM_CAP_IMMEDIATE_EXIT"),
    ];

    private readonly int _file;
    private readonly Predicate<KvmExtension>? _lacks;

    private KvmHost(int file, Predicate<KvmExtension>? lacks)
    {
        _file = file;
        _lacks = lacks;
    }

    /// <summary>The device's descriptor.</summary>
    public int File => _file;

    /// <summary>Bytes that each vCPU shares with its monitor.</summary>
    public int RunSize { get; private init; }

    /// <summary>Opens a device.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="lacks">Names an extension that is to count as missing; for tests of what happens without it.</param>
    /// <param name="host">The opened device, or null.</param>
    /// <param name="refusal">Why not, or null.</param>
    public static bool TryOpen(
        string path, Predicate<KvmExtension>? lacks, [NotNullWhen(true)] out KvmHost? host, [NotNullWhen(false)] out KvmRefusal? refusal)
    {
        host = null;
        int file = LibC.Open(path, LibC.ReadWrite | LibC.CloseOnExec);
        if (file < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            const int NoEntry = 2, NoDevice = 19, NoSuchDevice = 6;
            refusal = error is NoEntry or NoDevice or NoSuchDevice
                ? new KvmRefusal(KvmRefusalKind.Absent, $"there is no {path}", "load the module kvm_intel or kvm_amd, or let guests run on the software processor")
                : new KvmRefusal(KvmRefusalKind.Denied, $"{path} cannot be opened ({Marshal.GetPInvokeErrorMessage(error)})",
                    "become a member of the group kvm, or let guests run on the software processor");
            return false;
        }
        var opened = new KvmHost(file, lacks) { RunSize = LibC.Control(file, KvmRequests.GetVcpuMapSize, 0) };
        refusal = opened.Examine(path);
        if (refusal is not null)
        {
            opened.Dispose();
            return false;
        }
        KickSignal.Install();
        host = opened;
        return true;
    }

    /// <summary>What the kernel answers for an extension: 0 when it lacks it.</summary>
    public int Check(KvmExtension extension) =>
        _lacks is not null && _lacks(extension) ? 0 : Math.Max(0, LibC.Control(_file, KvmRequests.CheckExtension, (nint)extension));

    /// <inheritdoc/>
    public void Dispose() => _ = LibC.Close(_file);

    private KvmRefusal? Examine(string path)
    {
        const string Foreign = "let guests run on the software processor";
        int version = LibC.Control(_file, KvmRequests.GetApiVersion, 0);
        if (version < 0) return new KvmRefusal(KvmRefusalKind.Foreign, $"{path} is not KVM", Foreign);
        if (version != KvmRequests.ApiVersion) return new KvmRefusal(KvmRefusalKind.Foreign, $"{path} speaks version {version} of KVM's interface", Foreign);
        foreach ((KvmExtension extension, string name) in Needed)
        {
            if (Check(extension) == 0)
                return new KvmRefusal(KvmRefusalKind.Incomplete, $"the kernel's KVM lacks {name}", "use Linux 4.11 or later, or let guests run on the software processor");
        }
        return RunSize >= 4096 ? null : new KvmRefusal(KvmRefusalKind.Foreign, $"{path} tells no size of its shared pages", Foreign);
    }
}
