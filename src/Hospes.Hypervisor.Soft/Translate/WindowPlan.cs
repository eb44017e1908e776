using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>A stretch of memory that several instructions of a trace access through one register.</summary>
/// <param name="Register">The guest register whose value at the trace's start the offsets count from.</param>
/// <param name="Low">Offset of the first byte.</param>
/// <param name="High">Offset behind the last byte.</param>
/// <param name="Writes">Whether something in it is written.</param>
internal readonly record struct Window(int Register, int Low, int High, bool Writes);

/// <summary>
/// Finds accesses of a trace that one look-up can serve: those through the same register (RSP before all) at constant distances of its value at the
/// trace's start. The register may move by constants between them, as the stack pointer does.
/// </summary>
internal sealed unsafe class WindowPlan
{
    // SAFETY: reads the operations of the trace that it is given, which stay as they are.

    /// <summary>How many windows a trace has at most.</summary>
    public const int MaxWindows = 4;

    private const int MaxSpan = 1024, Rsp = 4, Rbp = 5;

    private readonly Access[] _accesses = new Access[Trace.MaxSteps * 2];
    private readonly sbyte[] _window = new sbyte[Trace.MaxSteps * 2];
    private readonly short[] _slots = new short[Trace.MaxSteps * 2];
    private readonly Window[] _windows = new Window[MaxWindows];
    private readonly int[] _origin = new int[16];
    private readonly long[] _delta = new long[16];
    private int _count;

    /// <summary>The windows that were found.</summary>
    public ReadOnlySpan<Window> Windows => _windows.AsSpan(0, WindowCount);

    /// <summary>How many.</summary>
    public int WindowCount { get; private set; }

    /// <summary>Where an access lies: its window and the offset in it, or null.</summary>
    /// <param name="step">The instruction's number in the trace.</param>
    /// <param name="isStack">Whether the access of PUSH, POP, CALL or RET is meant, and not the memory operand.</param>
    public (int Window, int Offset)? Find(int step, bool isStack)
    {
        int access = _slots[Slot(step, isStack)];
        if (access < 0 || _window[access] < 0) return null;
        return (_window[access], (int)(_accesses[access].Offset - _windows[_window[access]].Low));
    }

    /// <summary>Forgets the plan: every access is looked up by itself.</summary>
    public void Clear() => _count = WindowCount = 0;

    /// <summary>Plans a trace.</summary>
    public void Make(Trace trace, TraitTable table)
    {
        Clear();
        _slots.AsSpan(0, trace.Count * 2).Fill(-1);
        for (int i = 0; i < 16; i++) (_origin[i], _delta[i]) = (i, 0);
        for (int i = 0; i < trace.Count; i++)
        {
            ref readonly TraceStep step = ref trace[i];
            ref readonly Instruction instruction = ref trace.Instruction(i);
            ref readonly TranslationTraits traits = ref table[instruction];
            // The registers are anyone's behind a handler, and so are the translations.
            if (traits.Treatment == Treatment.Interpret || step.Op->Faults) break;
            Note(i, instruction, step.Op, traits);
            Follow(instruction, step.Op, step.Written);
        }
        if (_count >= 2) Choose();
        else Array.Fill(_window, (sbyte)-1, 0, _count);
    }

    private static int Slot(int step, bool isStack) => step * 2 + (isStack ? 1 : 0);

    private static bool IsStack(Code code) => code is Code.Push_r64 or Code.Pop_r64 or Code.Pushq_imm8 or Code.Pushq_imm32 or Code.Call_rel32_64 or Code.Retnq;

    private void Note(int number, in Instruction instruction, Op* op, in TranslationTraits traits)
    {
        if (IsStack(instruction.Code))
        {
            bool pushes = instruction.Code is not (Code.Pop_r64 or Code.Retnq);
            Add(number, true, Rsp, pushes ? -8 : 0, 8, pushes);
        }
        if (!op->HasMemory || traits.Treatment is not (Treatment.Same or Treatment.Multiply or Treatment.Divide) || traits.NeedsAlignment) return;
        if (op->Index != CpuState.ZeroOffset || op->Base == CpuState.ZeroOffset || op->Segment > 3 || op->AddressSize != 8) return;
        int size = instruction.MemorySize.GetSize();
        if (size is > 0 and <= 32) Add(number, false, op->Base / 8, (long)op->Disp, size, traits.WritesMemory);
    }

    private void Add(int number, bool isStack, int register, long displacement, int size, bool write)
    {
        if (_origin[register] < 0) return;
        long offset = _delta[register] + displacement;
        if (offset is < -(1 << 20) or > 1 << 20) return;
        _slots[Slot(number, isStack)] = (short)_count;
        _accesses[_count++] = new Access(_origin[register], offset, size, write);
    }

    /// <summary>What the registers are behind an instruction, counted from what they were at the start.</summary>
    private void Follow(in Instruction instruction, Op* op, int written)
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
                (_origin[Rsp], _delta[Rsp]) = (_origin[Rbp], _delta[Rbp] + 8);
                _origin[Rbp] = -1;
                return;
            case Code.Pop_r64 when op->Reg0 / 8 != Rsp:
                _delta[Rsp] += 8;
                _origin[op->Reg0 / 8] = -1;
                return;
            case Code.Sub_rm64_imm8 or Code.Sub_rm64_imm32 when !op->HasMemory:
                _delta[op->Reg0 / 8] -= (long)op->Imm;
                return;
            case Code.Add_rm64_imm8 or Code.Add_rm64_imm32 when !op->HasMemory:
                _delta[op->Reg0 / 8] += (long)op->Imm;
                return;
            case Code.Lea_r64_m when op->Index == CpuState.ZeroOffset && op->Base != CpuState.ZeroOffset && op->AddressSize == 8:
                (_origin[op->Reg0 / 8], _delta[op->Reg0 / 8]) = (_origin[op->Base / 8], _delta[op->Base / 8] + (long)op->Disp);
                return;
            case Code.Mov_rm64_r64 or Code.Mov_r64_rm64 when !op->HasMemory:
                (_origin[op->Reg0 / 8], _delta[op->Reg0 / 8]) = (_origin[op->Reg1 / 8], _delta[op->Reg1 / 8]);
                return;
        }
        for (int i = 0; written != 0; i++, written >>= 1)
        {
            if ((written & 1) != 0) _origin[i] = -1;
        }
    }

    private void Choose()
    {
        for (int i = 0; i < _count; i++) _window[i] = -1;
        for (int i = 0; i < _count && WindowCount < MaxWindows; i++)
        {
            if (_window[i] >= 0) continue;
            Access first = _accesses[i];
            long low = first.Offset, high = first.Offset + first.Size;
            int members = 1;
            bool writes = first.Writes;
            for (int j = i + 1; j < _count; j++)
            {
                if (!Joins(j, first, low, high)) continue;
                members++;
                writes |= _accesses[j].Writes;
                low = Math.Min(low, _accesses[j].Offset);
                high = Math.Max(high, _accesses[j].Offset + _accesses[j].Size);
            }
            if (members < 2) continue;
            for (int j = i; j < _count; j++)
            {
                if (_window[j] < 0 && _accesses[j].Origin == first.Origin && _accesses[j].Offset >= low && _accesses[j].Offset + _accesses[j].Size <= high)
                {
                    _window[j] = (sbyte)WindowCount;
                    writes |= _accesses[j].Writes;
                }
            }
            _windows[WindowCount++] = new Window(first.Origin, (int)low, (int)high, writes);
        }
    }

    private bool Joins(int candidate, in Access first, long low, long high)
    {
        Access access = _accesses[candidate];
        return _window[candidate] < 0 && access.Origin == first.Origin
            && Math.Max(high, access.Offset + access.Size) - Math.Min(low, access.Offset) <= MaxSpan;
    }

    private readonly record struct Access(int Origin, long Offset, int Size, bool Writes);
}
