using System.Runtime.Intrinsics.X86;

namespace Hospes.Hypervisor.Kvm.Probe;

/// <summary>
/// Judges whether a KVM that can be opened executes guests on the processor. A device without hardware virtualization behind it exists on some hosts:
/// it takes every request, and ordinary kernels crawl or fail on it.
/// </summary>
public static class KvmProbe
{
    private const string SoftwareRemedy = "let guests run on the software processor, or use a host with nested virtualization";
    private const ulong Code = 0x1000, Result = 0x6000, Pml4 = 0x2000, Pdpt = 0x3000;
    private const ulong Low = 0x1122334455667788, High = 0x99AABBCCDDEEFF00;

    /// <summary>Judges by the processor's flags and by a short guest program.</summary>
    /// <param name="engine">The opened KVM.</param>
    /// <returns>Null when it is real, else <see cref="KvmRefusalKind.Unreal"/> and why.</returns>
    public static KvmRefusal? Judge(KvmEngine engine) => Judge(engine, HasHardwareSupport);

    /// <summary>Whether the processor shows VT-x (leaf 1, ECX bit 5) or AMD-V (leaf 8000_0001, ECX bit 2).</summary>
    public static bool HasHardwareSupport
    {
        get
        {
            if (!X86Base.IsSupported) return false;
            (_, _, int basic, _) = X86Base.CpuId(1, 0);
            (_, _, int extended, _) = X86Base.CpuId(unchecked((int)0x8000_0001), 0);
            return (basic >> 5 & 1) != 0 || (extended >> 2 & 1) != 0;
        }
    }

    internal static KvmRefusal? Judge(KvmEngine engine, bool hardware)
    {
        if (!hardware) return new KvmRefusal(KvmRefusalKind.Unreal, "the processor behind it shows neither vmx nor svm", SoftwareRemedy);
        string? failure = RunProgram(engine, TimeSpan.FromSeconds(2));
        return failure is null ? null : new KvmRefusal(KvmRefusalKind.Unreal, $"a short guest program {failure}", SoftwareRemedy);
    }

    /// <summary>
    /// Runs a program in 64-bit mode with paging: it exchanges 16 bytes atomically, which software stand-ins fall short of, and says through a port
    /// whether it did.
    /// </summary>
    /// <returns>Null when all went as on a processor, else what it did instead: "shut down", say.</returns>
    internal static string? RunProgram(KvmEngine engine, TimeSpan patience)
    {
        using var resource = new HypervisorResource(engine);
        if (Guest.Create(resource, new GuestOptions(), out Guest? guest) is var made && guest is null) return $"could not be given a guest ({made})";
        using (guest)
        {
            if (guest.Memory.Map(0, 1 << 20, out _) != Status.Ok) return "could not be given memory";
            if (guest.CreateVcpu(out Vcpu? vcpu) is var created && vcpu is null) return $"could not be given a processor ({created})";
            using (vcpu)
            {
                Load(guest.Memory);
                if (!Enter(vcpu)) return "could not be started in 64-bit mode";
                return Run(guest.Memory, vcpu, patience);
            }
        }
    }

    private static void Load(GuestMemory memory)
    {
        // mov rbx, Low / mov rcx, High / xor eax, eax / xor edx, edx / lock cmpxchg16b [Result] / setz al / out 0x80, al / hlt
        ReadOnlySpan<byte> program =
        [
            0x48, 0xBB, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x48, 0xB9, 0x00, 0xFF, 0xEE, 0xDD, 0xCC, 0xBB, 0xAA, 0x99, 0x31, 0xC0, 0x31, 0xD2,
            0xF0, 0x48, 0x0F, 0xC7, 0x0C, 0x25, 0x00, 0x60, 0x00, 0x00, 0x0F, 0x94, 0xC0, 0xE6, 0x80, 0xF4,
        ];
        memory.TryWrite(Code, program);
        memory.TryWrite(Pml4, Pdpt | 3);
        // The first GiB in one page would need a feature; the second level's table lies behind the first.
        memory.TryWrite(Pdpt, (Pdpt + 0x1000) | 3);
        memory.TryWrite(Pdpt + 0x1000, 0x83UL);
    }

    private static bool Enter(Vcpu vcpu)
    {
        var state = new VcpuState();
        if (vcpu.ReadState(state) != Status.Ok) return false;
        for (int i = 0; i < 6; i++)
            state.Segments[i] = new SegmentState { Selector = (ushort)(i == 1 ? 8 : 16), Limit = uint.MaxValue, Attributes = i == 1 ? 0xA09Bu : 0xC093u };
        (state.Cr0, state.Cr3, state.Cr4, state.Efer) = (0x8000_0011, Pml4, 0x20, 0x500);
        (state.Rip, state.Rflags) = (Code, 2);
        return vcpu.WriteState(state) == Status.Ok;
    }

    private static string? Run(GuestMemory memory, Vcpu vcpu, TimeSpan patience)
    {
        using var limit = new Timer(static vcpu => ((Vcpu)vcpu!).Kick(), vcpu, patience, Timeout.InfiniteTimeSpan);
        Status status = vcpu.Run(out Packet packet);
        if (status == Status.Canceled) return "does not come to its end";
        if (status != Status.Ok) return $"cannot be run ({status})";
        if (packet.Kind == PacketKind.Shutdown) return "shuts down";
        if (packet is not { Kind: PacketKind.Io, Address: 0x80, IsWrite: true, Data: 1 }) return "does something else";
        return memory.TryRead(Result, out ulong low) && memory.TryRead(Result + 8, out ulong high) && (low, high) == (Low, High) ? null : "loses what it writes";
    }
}
