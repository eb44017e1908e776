using System.Diagnostics;
using Hospes.Hypervisor;
using Hospes.Hypervisor.Kvm;

// What exits, bells and messages cost on the KVM of wherever this runs, each in its own guest: a line "figure NAME hospes NANOSECONDS" and one
// "allocated NAME BYTES" for each. Status 1 when any of them allocates.
// The programs are in flat 32-bit mode at 0x1000; BellAt is a bell, DeviceAt a device.
const int Rounds = 20_000;
const uint BellAt = 0x200000, DeviceAt = 0x201000;

if (!KvmEngine.TryOpen(out KvmEngine? engine, out KvmRefusal? refusal))
{
    Console.Error.WriteLine($"{refusal.Cause}; {refusal.Remedy}");
    return 2;
}
bool clean = true;
using (engine)
using (var resource = new HypervisorResource(engine))
{
    // again: out 0x80, al / jmp again
    clean &= Measure("port-write-ns", [0xE6, 0x80, 0xEB, 0xFC], static (vcpu, _, _) => vcpu.Run(out _) == Status.Ok);
    // again: mov eax, [DeviceAt] / jmp again
    clean &= Measure("mmio-read-ns", [0xA1, 0x00, 0x10, 0x20, 0x00, 0xEB, 0xF9], static (vcpu, _, _) => vcpu.Run(out _) == Status.Ok && vcpu.CompleteRead(7) == Status.Ok);
    // again: mov ecx, 1000 / bell: mov [BellAt], eax / dec ecx / jnz bell / out 0x80, al / jmp again
    clean &= Measure(
        "bell-ns", [0xB9, 0xE8, 0x03, 0x00, 0x00, 0xA3, 0x00, 0x00, 0x20, 0x00, 0x49, 0x75, 0xF8, 0xE6, 0x80, 0xEB, 0xEF], static (vcpu, _, _) => vcpu.Run(out _) == Status.Ok, each: 1000);
    // again: mov [BellAt], eax / out 0x80, al / jmp again: the exit, and the packet through the port.
    clean &= Measure(
        "bell-and-wait-ns", [0xA3, 0x00, 0x00, 0x20, 0x00, 0xE6, 0x80, 0xEB, 0xF7],
        static (vcpu, port, machine) => vcpu.Run(out _) == Status.Ok && port.Wait(Timeout.InfiniteTimeSpan, out _) == Status.Ok);
    clean &= Measure("message-irqfd-ns", [0xF4], static (_, _, machine) => machine.Interrupt.Trigger() == Status.Ok);
    clean &= Measure("message-delivered-ns", [0xF4], static (_, _, machine) => machine.Guest.DeliverMessage(0xFEE00000, 0x40) == Status.Ok);

    bool Measure(string name, byte[] code, Func<Vcpu, Port, (Guest Guest, MessageInterrupt Interrupt), bool> step, int each = 1)
    {
        Guest.Create(resource, new GuestOptions(), out Guest? guest);
        using var port = new Port();
        guest!.Memory.Map(0, 1 << 20, out _);
        guest.SetTrap(TrapKind.Bell, BellAt, 0x1000, port, 1);
        guest.SetTrap(TrapKind.Memory, DeviceAt, 0x1000, null, 2);
        guest.CreateVcpu(out Vcpu? vcpu);
        guest.CreateMessageInterrupt(out MessageInterrupt? interrupt);
        interrupt!.SetMessage(0xFEE00000, 0x40);
        guest.Memory.TryWrite(0x1000, code);
        Start(vcpu!);
        int steps = Rounds / each;
        for (int i = 0; i < Math.Max(steps / 10, 2); i++) Step();
        // The clock outside: what it needs once for itself is not the run loop's.
        long start = Stopwatch.GetTimestamp(), allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < steps; i++) Step();
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        TimeSpan taken = Stopwatch.GetElapsedTime(start);
        Console.WriteLine($"figure {name} hospes {taken.TotalNanoseconds / ((double)steps * each):F0}");
        Console.WriteLine($"allocated {name} {allocated}");
        interrupt.Dispose();
        vcpu!.Dispose();
        guest.Dispose();
        return allocated == 0;

        void Step()
        {
            if (!step(vcpu!, port, (guest, interrupt))) throw new InvalidOperationException($"{name}: the guest gave no exit");
        }
    }
}
return clean ? 0 : 1;

static void Start(Vcpu vcpu)
{
    var state = new VcpuState();
    vcpu.ReadState(state);
    for (int i = 0; i < 6; i++)
        state.Segments[i] = new SegmentState { Selector = (ushort)(i == 1 ? 8 : 16), Limit = uint.MaxValue, Attributes = i == 1 ? 0xC09Bu : 0xC093u };
    (state.Cr0, state.Rip, state.Rflags) = (0x11, 0x1000, 2);
    // The spurious vector register's enable bit.
    BitConverter.TryWriteBytes(state.LocalApic.AsSpan(0xF0), 0x1FFu);
    vcpu.WriteState(state);
}
