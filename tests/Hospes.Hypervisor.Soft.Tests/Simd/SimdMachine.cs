using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret.Simd;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>A processor state with one page of memory behind its TLB, and the SIMD handlers.</summary>
internal sealed unsafe class SimdMachine : IDisposable
{
    /// <summary>The linear address of the only page.</summary>
    public const ulong Page = 0x5000;

    private const int PageSize = 4096;

    private readonly HandlerTable _table = new();
    private readonly byte* _memory;

    public SimdMachine()
    {
        SimdTable.Fill(_table);
        State = (CpuState*)NativeMemory.AlignedAlloc(CpuState.Bytes, 64);
        new Span<byte>(State, CpuState.Bytes).Clear();
        State->Mode = Mode.Code64 | Mode.Protected;
        State->Mxcsr = 0x1F80;
        State->Tlb = (TlbEntry*)NativeMemory.AlignedAlloc((nuint)(TlbEntry.Count * sizeof(TlbEntry)), 64);
        for (int i = 0; i < TlbEntry.Count; i++) TlbEntry.Clear(State->Tlb + i, i);
        _memory = (byte*)NativeMemory.AlignedAlloc(PageSize, PageSize);
        new Span<byte>(_memory, PageSize).Clear();
        TlbEntry* entry = State->Tlb + (Page >> 12);
        entry->Read = entry->Write = Page;
        entry->Host = (ulong)_memory;
    }

    public CpuState* State { get; }

    /// <summary>The page's bytes.</summary>
    public Span<byte> Memory => new(_memory, PageSize);

    public void Dispose()
    {
        NativeMemory.AlignedFree(State->Tlb);
        NativeMemory.AlignedFree(State);
        NativeMemory.AlignedFree(_memory);
    }

    public Vector256<byte> Ymm(int number) => *(Vector256<byte>*)CpuState.Vector(State, number);

    public void SetYmm(int number, Vector256<byte> value) => *(Vector256<byte>*)CpuState.Vector(State, number) = value;

    public ulong Mmx(int number) => *(ulong*)(State->X87Registers + number * 16);

    public void SetMmx(int number, ulong value) => *(ulong*)(State->X87Registers + number * 16) = value;

    /// <summary>Leaves MMX: some x87 registers in use, the top of stack at 3.</summary>
    public void EnterX87()
    {
        State->Ftw = 0x18;
        State->Fsw = 3 << 11;
    }

    /// <summary>Whether the x87 state is that after an MMX instruction that has written a register.</summary>
    public bool IsMmx(int written) =>
        State->Ftw == 0xFF && State->Fsw == 0 && *(ushort*)(State->X87Registers + written * 16 + 8) == 0xFFFF;

    public T Read<T>(int offset)
        where T : unmanaged => MemoryMarshal.Read<T>(Memory[offset..]);

    public void Write<T>(int offset, T value)
        where T : unmanaged => MemoryMarshal.Write(Memory[offset..], value);

    /// <summary>Whether there is a handler.</summary>
    public bool Knows(Code code) => _table.Find(code, hasMemory: false, isLocked: false) != null;

    /// <summary>Runs the register form.</summary>
    public void Run(Code code, byte reg0 = 0, byte reg1 = 0, byte reg2 = 0, byte reg3 = 0, byte immediate = 0)
    {
        Op op = Make(code, reg0, reg1, reg2, reg3, immediate);
        _table.Find(code, hasMemory: false, isLocked: false)(State, &op);
    }

    /// <summary>Runs the memory form on an address inside the page.</summary>
    public void RunMemory(Code code, int offset, byte reg0 = 0, byte reg1 = 0, byte reg2 = 0, byte reg3 = 0, byte immediate = 0)
    {
        Op op = Make(code, reg0, reg1, reg2, reg3, immediate);
        op.HasMemory = true;
        op.Disp = Page + (ulong)offset;
        op.AddressSize = 8;
        _table.Find(code, hasMemory: true, isLocked: false)(State, &op);
    }

    private static Op Make(Code code, byte reg0, byte reg1, byte reg2, byte reg3, byte immediate) => new()
    {
        Code = (ushort)code,
        Reg0 = reg0,
        Reg1 = reg1,
        Reg2 = reg2,
        Reg3 = reg3,
        Imm = immediate,
        Base = CpuState.ZeroOffset,
        Index = CpuState.ZeroOffset,
        Segment = 3,
    };
}
