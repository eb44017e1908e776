using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>A stretch of memory that several instructions of a trace access through the same registers.</summary>
/// <param name="Low">Where it begins, counted from what the registers add up to.</param>
/// <param name="High">Where it ends.</param>
/// <param name="Writes">Whether something in it is written.</param>
internal readonly record struct Window(long Low, long High, bool Writes)
{
    /// <summary>How many bytes.</summary>
    public int Size => (int)(High - Low);
}

/// <summary>Where an access lies.</summary>
/// <param name="Window">The window's number.</param>
/// <param name="Offset">The access's distance from its beginning.</param>
/// <param name="Opens">Whether it is the window's first.</param>
internal readonly record struct WindowPlace(int Window, int Offset, bool Opens);

/// <summary>
/// Finds accesses of a trace that one look-up can serve: those at constant distances of the same values of the same registers. A value is known by the instruction
/// that made it; constants may be added to it and taken off, as happens to the stack pointer. The first access of a window looks the whole of it up.
/// </summary>
internal sealed unsafe class WindowPlan
{
    // SAFETY: reads the operations of the trace that it is given, which stay as they are.

    /// <summary>How many windows a trace has at most.</summary>
    public const int MaxWindows = 8;

    private const int MaxSpan = 1024, Rsp = 4, Rbp = 5, None = -1;

    private readonly Access[] _accesses = new Access[Trace.MaxSteps * 2];
    private readonly WindowPlace?[] _places = new WindowPlace?[Trace.MaxSteps * 2];
    private readonly short[] _slots = new short[Trace.MaxSteps * 2];
    private readonly Window[] _windows = new Window[MaxWindows];
    private readonly int[] _value = new int[16];
    private readonly long[] _delta = new long[16];
    private int _count, _windowCount, _nextValue, _segments;

    /// <summary>A window.</summary>
    public ref readonly Window this[int window] => ref _windows[window];

    /// <summary>Where an access lies; null when it is in no window.</summary>
    /// <param name="step">The instruction's number in the trace.</param>
    /// <param name="isStack">Whether the access of PUSH, POP, CALL or RET is meant, and not the memory operand.</param>
    public WindowPlace? Find(int step, bool isStack)
    {
        if (_windowCount == 0) return null;
        int access = _slots[Slot(step, isStack)];
        return access < 0 ? null : _places[access];
    }

    /// <summary>Forgets the plan: every access is looked up by itself.</summary>
    public void Clear() => _count = _windowCount = 0;

    /// <summary>Plans a trace.</summary>
    public void Make(Trace trace, TraitTable table)
    {
        Clear();
        _slots.AsSpan(0, trace.Count * 2).Fill(None);
        for (int i = 0; i < 16; i++) (_value[i], _delta[i]) = (i, 0);
        _nextValue = 16;
        _segments = 0;
        for (int i = 0; i < trace.Count; i++)
        {
            ref readonly TraceStep step = ref trace[i];
            ref readonly Instruction instruction = ref trace.Instruction(i);
            ref readonly TranslationTraits traits = ref table[instruction];
            // Behind a handler the translations may be others.
            if (traits.Treatment == Treatment.Interpret || step.Op->Faults) break;
            Note(i, instruction, step.Op, traits);
            Follow(instruction, step.Op, step.Written, traits);
        }
        if (_count >= 2) Choose();
    }

    private static int Slot(int step, bool isStack) => step * 2 + (isStack ? 1 : 0);

    private static bool IsStack(Code code) => code is Code.Push_r64 or Code.Pop_r64 or Code.Pushq_imm8 or Code.Pushq_imm32 or Code.Call_rel32_64 or Code.Retnq;

    private void Note(int step, in Instruction instruction, Op* op, in TranslationTraits traits)
    {
        if (IsStack(instruction.Code))
        {
            bool pushes = instruction.Code is not (Code.Pop_r64 or Code.Retnq);
            Add(Slot(step, true), new Access(_value[Rsp], None, 0, 0, _delta[Rsp] + (pushes ? -8 : 0), 8, pushes));
        }
        if (!op->HasMemory || traits.Treatment is not (Treatment.Same or Treatment.Multiply or Treatment.Divide) || traits.NeedsAlignment || op->AddressSize != 8) return;
        // A bit string reaches beyond its operand.
        if (traits.RmMustBeRegister && instruction.Mnemonic is not (Mnemonic.Xchg or Mnemonic.Xadd)) return;
        int size = instruction.MemorySize.GetSize();
        if (size is <= 0 or > 32) return;
        int basis = None, index = None, segment = op->Segment >= 4 ? op->Segment + _segments : 0;
        long offset = (long)op->Disp;
        if (op->Base != CpuState.ZeroOffset) (basis, offset) = (_value[op->Base / 8], offset + _delta[op->Base / 8]);
        if (op->Index != CpuState.ZeroOffset) (index, offset) = (_value[op->Index / 8], offset + (_delta[op->Index / 8] << op->Scale));
        // A constant address has a look-up of its own.
        if (basis == None && index == None && segment == 0) return;
        Add(Slot(step, false), new Access(basis, index, index == None ? 0 : op->Scale, segment, offset, size, traits.WritesMemory));
    }

    private void Add(int slot, Access access)
    {
        if (access.Offset is < -(1 << 30) or > 1 << 30) return;
        _slots[slot] = (short)_count;
        _places[_count] = null;
        _accesses[_count++] = access;
    }

    /// <summary>What the registers are behind an instruction.</summary>
    private void Follow(in Instruction instruction, Op* op, int written, in TranslationTraits traits)
    {
        switch (instruction.Code)
        {
            case Code.Push_r64 or Code.Pushq_imm8 or Code.Pushq_imm32 or Code.Call_rel32_64:
                _delta[Rsp] -= 8;
                return;
            case Code.Retnq:
                _delta[Rsp] += 8;
                return;
            case Code.Leaveq:
                (_value[Rsp], _delta[Rsp]) = (_value[Rbp], _delta[Rbp] + 8);
                written = 1 << Rbp;
                break;
            case Code.Pop_r64 when op->Reg0 / 8 != Rsp:
                _delta[Rsp] += 8;
                written &= ~(1 << Rsp);
                break;
            case Code.Sub_rm64_imm8 or Code.Sub_rm64_imm32 when !op->HasMemory:
                _delta[op->Reg0 / 8] -= (long)op->Imm;
                return;
            case Code.Add_rm64_imm8 or Code.Add_rm64_imm32 when !op->HasMemory:
                _delta[op->Reg0 / 8] += (long)op->Imm;
                return;
            case Code.Lea_r64_m when op->Index == CpuState.ZeroOffset && op->Base != CpuState.ZeroOffset && op->AddressSize == 8:
                (_value[op->Reg0 / 8], _delta[op->Reg0 / 8]) = (_value[op->Base / 8], _delta[op->Base / 8] + (long)op->Disp);
                return;
            case Code.Mov_rm64_r64 or Code.Mov_r64_rm64 when !op->HasMemory:
                (_value[op->Reg0 / 8], _delta[op->Reg0 / 8]) = (_value[op->Reg1 / 8], _delta[op->Reg1 / 8]);
                return;
        }
        if (traits.Treatment == Treatment.SwapBase) _segments += 16;
        for (int i = 0; written != 0; i++, written >>= 1)
        {
            if ((written & 1) != 0) (_value[i], _delta[i]) = (_nextValue++, 0);
        }
    }

    private void Choose()
    {
        for (int i = 0; i < _count && _windowCount < MaxWindows; i++)
        {
            if (_places[i] is not null) continue;
            Access first = _accesses[i];
            long low = first.Offset, high = first.Offset + first.Size;
            int members = 1;
            bool writes = first.Writes;
            for (int j = i + 1; j < _count; j++)
            {
                ref Access access = ref _accesses[j];
                if (_places[j] is not null || !access.IsAlongside(first)) continue;
                long lower = Math.Min(low, access.Offset), higher = Math.Max(high, access.Offset + access.Size);
                if (higher - lower > MaxSpan) continue;
                (low, high) = (lower, higher);
                members++;
                writes |= access.Writes;
            }
            if (members < 2) continue;
            for (int j = i; j < _count; j++)
            {
                ref Access access = ref _accesses[j];
                if (_places[j] is not null || !access.IsAlongside(first) || access.Offset < low || access.Offset + access.Size > high) continue;
                _places[j] = new WindowPlace(_windowCount, (int)(access.Offset - low), j == i);
                writes |= access.Writes;
            }
            _windows[_windowCount++] = new Window(low, high, writes);
        }
    }

    private readonly record struct Access(int Base, int Index, int Scale, int Segment, long Offset, int Size, bool Writes)
    {
        public bool IsAlongside(in Access other) => Base == other.Base && Index == other.Index && Scale == other.Scale && Segment == other.Segment;
    }
}
