using System.Collections.Concurrent;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Tests;

/// <summary>What a fake processor does when it runs: gives packets until it returns.</summary>
/// <param name="processor">The processor, to wait on and to ask for the last read's value.</param>
internal delegate IEnumerable<Packet> FakeProgram(FakeVcpu processor);

/// <summary>An engine whose processors run C# instead of machine code: a program per processor, the same at every boot.</summary>
internal sealed class FakeEngine(params FakeProgram[] programs) : IEngine
{
    /// <summary>What <see cref="CreateGuest"/> answers.</summary>
    public Status GuestStatus { get; init; } = Status.Ok;

    /// <summary>What <see cref="IGuestEngine.CreateVcpu"/> answers.</summary>
    public Status VcpuStatus { get; init; } = Status.Ok;

    /// <summary>What <see cref="IVcpuEngine.WriteState"/> answers.</summary>
    public Status StateStatus { get; init; } = Status.Ok;

    /// <summary>The guests that were made.</summary>
    public ConcurrentQueue<FakeGuest> Guests { get; } = new();

    public string Name => "fake";

    public bool Supports(Capability capability) => false;

    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        guest = null;
        if (GuestStatus != Status.Ok) return GuestStatus;
        var made = new FakeGuest(this, memory, programs);
        Guests.Enqueue(made);
        guest = made;
        return Status.Ok;
    }
}

internal sealed class FakeGuest(FakeEngine engine, GuestMemory memory, FakeProgram[] programs) : IGuestEngine
{
    public bool Disposed { get; private set; }

    public GuestMemory Memory => memory;

    public List<FakeVcpu> Vcpus { get; } = [];

    public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
    {
        vcpu = null;
        if (engine.VcpuStatus != Status.Ok) return engine.VcpuStatus;
        var made = new FakeVcpu(id, engine, programs[Math.Min(id, programs.Length - 1)]);
        Vcpus.Add(made);
        vcpu = made;
        return Status.Ok;
    }

    public bool DeliverMessage(ulong address, uint data) => true;

    public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge)
    {
    }

    public void TrapAdded(Trap trap)
    {
    }

    public void SetDirtyLogging(bool enabled)
    {
    }

    public void SynchronizeDirtyLog()
    {
    }

    public void Dispose() => Disposed = true;
}

internal sealed class FakeVcpu : IVcpuEngine
{
    private readonly FakeEngine _engine;
    private readonly IEnumerator<Packet> _program;
    private readonly SemaphoreSlim _kicked = new(0);

    public FakeVcpu(int id, FakeEngine engine, FakeProgram program)
    {
        Id = id;
        _engine = engine;
        _program = program(this).GetEnumerator();
    }

    public int Id { get; }

    /// <summary>What the machine answered to the last read.</summary>
    public ulong LastRead { get; private set; }

    /// <summary>The state that was written.</summary>
    public VcpuState? State { get; private set; }

    public bool Disposed { get; private set; }

    public Status Run(out Packet packet)
    {
        packet = default;
        if (_kicked.Wait(0)) return Status.Canceled;
        if (_program.MoveNext())
        {
            packet = _program.Current;
            return packet.Kind == PacketKind.None ? Status.Internal : Status.Ok;
        }

        // The program is over: halted for ever.
        _kicked.Wait();
        return Status.Canceled;
    }

    public void Kick() => _kicked.Release();

    public void Interrupt(byte vector)
    {
    }

    public void InterruptNonMaskable()
    {
    }

    public void CompleteRead(ulong value) => LastRead = value;

    public void ReadState(VcpuState state)
    {
    }

    public Status WriteState(VcpuState state)
    {
        State = state;
        return _engine.StateStatus;
    }

    public void Dispose()
    {
        Disposed = true;
        _program.Dispose();
    }
}

/// <summary>Packets as a guest's instructions make them.</summary>
internal static class Guests
{
    private const ushort Serial = 0x3F8;
    private const ushort LineStatus = Serial + 5;

    public static Packet Out(ushort port, uint value, int size = 1) => new() { Kind = PacketKind.Io, Address = port, Size = size, IsWrite = true, Data = value };

    public static Packet In(ushort port) => new() { Kind = PacketKind.Io, Address = port, Size = 1 };

    public static Packet Shutdown => new() { Kind = PacketKind.Shutdown };

    /// <summary>Writes text to the serial port.</summary>
    public static IEnumerable<Packet> Print(string text) => text.Select(static letter => Out(Serial, letter));

    /// <summary>Reads from the serial port up to the end of a line.</summary>
    public static IEnumerable<Packet> ReadLine(FakeVcpu processor, List<byte> line)
    {
        while (true)
        {
            do
            {
                Thread.Yield();
                yield return In(LineStatus);
            }
            while ((processor.LastRead & 1) == 0);
            yield return In(Serial);
            if (processor.LastRead == '\n') yield break;
            line.Add((byte)processor.LastRead);
        }
    }

    /// <summary>The reset of the keyboard controller.</summary>
    public static Packet Reset => Out(0x64, 0xFE);
}
