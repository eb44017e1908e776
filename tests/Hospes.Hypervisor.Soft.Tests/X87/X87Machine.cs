using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interpret.X87;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Tests.X87;

/// <summary>A processor in 64-bit mode without paging, one instruction at a time through decoder and handlers.</summary>
internal sealed unsafe class X87Machine : IDisposable
{
    /// <summary>Where operands lie.</summary>
    public const int Data = 0x4000;

    private const int MemorySize = 0x10000;
    private const ulong CodeAddress = 0x1000;

    // SAFETY: the state and the memory belong to the guest, which lives until Dispose; nothing runs but what the test calls.
    private readonly Guest _guest;
    private readonly SoftVcpu _vcpu;
    private readonly byte* _memory;
    private readonly BlockDecoder _decoder;

    public X87Machine()
    {
        CapturingEngine engine = new();
        using HypervisorResource resource = new(engine);
        Guest.Create(resource, new GuestOptions(), out Guest? guest).ShouldBe(Status.Ok);
        _guest = guest!;
        _guest.Memory.Map(0, MemorySize, out var range).ShouldBe(Status.Ok);
        _memory = (byte*)range!.HostAddress;
        _guest.CreateVcpu(out _).ShouldBe(Status.Ok);
        _vcpu = engine.Guest!.Vcpus[0];
        _decoder = new BlockDecoder(engine.Guest.Handlers, engine.Guest.Traits);
        State->Mode = Mode.Code64 | Mode.Protected | Mode.SseEnabled | Mode.AvxEnabled;
        State->Cr0 |= ControlRegisters.Cr0Ne | ControlRegisters.Cr0Mp;
        State->Cr4 |= ControlRegisters.Cr4Osxsave | ControlRegisters.Cr4Osfxsr;
        State->Xcr0 = SaveLayout.X87Component | SaveLayout.SseComponent | SaveLayout.AvxComponent;
        State->Cpl = 0;
        Fpu.Initialize(State);
    }

    public CpuState* State => _vcpu.State;

    public Span<byte> Memory => new(_memory, MemorySize);

    public ushort StatusWord => State->Fsw;

    public void Dispose()
    {
        _vcpu.Dispose();
        _guest.Dispose();
    }

    /// <summary>Runs one instruction; answers the vector of the exception that it raised, or null.</summary>
    public Vector? Run(Action<Assembler> write)
    {
        Assembler assembler = new(64);
        write(assembler);
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), CodeAddress);
        return Run(stream.ToArray());
    }

    /// <summary>Runs one instruction given as bytes.</summary>
    public Vector? Run(params byte[] code)
    {
        _decoder.Buffer.Load(code);
        _decoder.Decode(CodeAddress, State->Mode, limit: 1);
        _decoder.Count.ShouldBe(1);
        Op op = _decoder.Ops[0];
        State->BlockRip = CodeAddress;
        State->CurrentOp = &op;
        try
        {
            op.Handler(State, &op);
            return null;
        }
        catch (GuestFault fault)
        {
            return fault.Vector;
        }
        finally
        {
            State->CurrentOp = null;
        }
    }

    public Float80 St(int i) => Fpu.Get(State, i);

    public double StAsDouble(int i)
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr);
        return BitConverter.UInt64BitsToDouble(ExtendedArithmetic.Store<Binary64>(St(i).Unpack(), ref status));
    }

    public bool IsEmpty(int i) => Fpu.IsEmpty(State, i);

    /// <summary>Pushes through FLD m64fp.</summary>
    public void Push(params double[] values)
    {
        foreach (double value in values)
        {
            Write(Data, value);
            Run(a => a.fld(AssemblerRegisters.__qword_ptr[Data])).ShouldBeNull();
        }
    }

    public T Read<T>(int offset)
        where T : unmanaged => MemoryMarshal.Read<T>(Memory[offset..]);

    public void Write<T>(int offset, T value)
        where T : unmanaged => MemoryMarshal.Write(Memory[offset..], value);

    private sealed class CapturingEngine : IEngine
    {
        private readonly SoftEngine _engine = new();

        public SoftGuest? Guest { get; private set; }

        public string Name => _engine.Name;

        public bool Supports(Capability capability) => _engine.Supports(capability);

        public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
        {
            Status status = _engine.CreateGuest(options, memory, traps, out guest);
            Guest = (SoftGuest?)guest;
            return status;
        }
    }
}
