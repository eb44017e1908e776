using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>A processor without paging, one instruction at a time through decoder and handlers: in 64-bit mode, or in real mode.</summary>
internal sealed unsafe class IntegerMachine : IDisposable
{
    /// <summary>Where operands lie.</summary>
    public const int Data = 0x4000;

    /// <summary>Where the instruction lies.</summary>
    public const ulong CodeAddress = 0x1000;

    private const int MemorySize = 0x10000;

    // SAFETY: the state and the memory belong to the guest, which lives until Dispose; nothing runs but what the test calls.
    private readonly Guest _guest;
    private readonly SoftVcpu _vcpu;
    private readonly byte* _memory;
    private readonly BlockDecoder _decoder;

    public IntegerMachine(bool realMode = false)
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
        State->Mode = realMode ? Mode.None : Mode.Code64 | Mode.Protected;
        if (!realMode) State->Efer |= ControlRegisters.EferLma;
        State->Cpl = 0;
        Rsp = 0x8000;
    }

    public CpuState* State => _vcpu.State;

    public SoftVcpu Vcpu => _vcpu;

    public Span<byte> Memory => new(_memory, MemorySize);

    public ref ulong Rax => ref State->General[0];

    public ref ulong Rcx => ref State->General[1];

    public ref ulong Rdx => ref State->General[2];

    public ref ulong Rbx => ref State->General[3];

    public ref ulong Rsp => ref State->General[4];

    public ref ulong Rbp => ref State->General[5];

    public ref ulong Rsi => ref State->General[6];

    public ref ulong Rdi => ref State->General[7];

    public uint Arithmetic
    {
        get => Flags.Read(State) & Flags.Arithmetic;
        set => Flags.WriteArithmetic(State, value);
    }

    public void Dispose()
    {
        _vcpu.Dispose();
        _guest.Dispose();
    }

    /// <summary>Runs one 64-bit instruction; answers the vector of the exception that it raised, or null.</summary>
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
        State->Rip = CodeAddress + op.Length;
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

    /// <summary>Loads a page into the TLB by a one-byte read and write, as earlier instructions of a guest would have.</summary>
    public void Touch(ulong address)
    {
        byte old = Memory[(int)address];
        Hospes.Hypervisor.Soft.Memory.Mem.Write(State, address, old);
        Hospes.Hypervisor.Soft.Memory.Mem.Read<byte>(State, address);
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
