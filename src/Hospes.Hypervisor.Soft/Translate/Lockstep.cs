using System.Runtime.InteropServices;
using System.Text;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;
using Decoder = Iced.Intel.Decoder;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// Compares translated code with the interpreter, stretch by stretch. The interpreter goes first on trial: its writes are noted and taken back.
/// Then emitted code runs until it leaves, and registers, flags and every byte written must be what the interpreter had at that instruction.
/// For one vCPU: another one's writes would be taken for divergences.
/// </summary>
internal sealed unsafe class Lockstep : IDisposable
{
    // SAFETY: snapshots are copies of the state's architectural part in native memory of this object.

    private const int SnapshotBytes = 1280;

    private readonly CpuState* _state;
    private readonly Mmu _mmu;
    private readonly WriteJournal _journal = new();
    private readonly byte* _snapshots = (byte*)NativeMemory.Alloc(Trace.MaxSteps + 1, SnapshotBytes);
    private readonly uint[] _undefined = new uint[Trace.MaxSteps + 1];
    private Block* _head;
    private int _first, _reached;

    /// <summary>The step from which on nothing is compared: an instruction before it has read flags that mean nothing.</summary>
    private int _blind;

    public Lockstep(CpuState* state, Mmu mmu)
    {
        _state = state;
        _mmu = mmu;
    }

    /// <summary>Stretches compared.</summary>
    public long Compared { get; private set; }

    /// <summary>Runs a trace on trial from one of its instructions on, for as long as the interpreter stays on it.</summary>
    public void Try(Block* head, int from)
    {
        _head = head;
        _first = _reached = from;
        _blind = int.MaxValue;
        CpuState* s = _state;
        TlbEntry* tlb = s->Tlb;
        _journal.Clear();
        _undefined[_first] = 0;
        _mmu.BeginTrial(_journal);
        try
        {
            Snapshot(_first);
            int start = 0;
            for (int i = 0; i < head->ChainLength; i++)
            {
                Block* block = head->Chain[i];
                if (from < start + block->Count && !TryBlock(block, start, Math.Max(from - start, 0))) break;
                start += block->Count;
                if (from < start && (i + 1 == head->ChainLength || s->Rip != head->Chain[i + 1]->Rip)) break;
            }
        }
        catch (Exception end) when (end is GuestFault or TrialEnd)
        {
            // The trial ends before this instruction.
        }
        _mmu.EndTrial();
        _journal.Undo();
        Buffer.MemoryCopy(_snapshots + _first * SnapshotBytes, s, SnapshotBytes, SnapshotBytes);
        s->Tlb = tlb;
    }

    /// <summary>Runs one block of the trace. False when it reaches an instruction that is left to its handler.</summary>
    private bool TryBlock(Block* block, int start, int first)
    {
        CpuState* s = _state;
        s->BlockRip = block->Rip;
        s->Rip = block->EndRip;
        for (int i = first; i < block->Count; i++)
        {
            Op* op = block->Ops + i;
            if (op->IsInterpreted) return false;
            if (_undefined[start + i] != 0 && (Code)op->Code is Code.Pushfq or Code.Pushfw or Code.Lahf)
            {
                _blind = start + i + 1;
                return false;
            }
            s->CurrentOp = op;
            _journal.Instruction = start + i;
            op->Handler(s, op);
            // On trial a repeated string instruction stops behind every element.
            while ((op->Prefixes & (OpPrefixes.Rep | OpPrefixes.Repne)) != 0 && s->Rip == block->Rip + op->RipOffset)
            {
                s->Rip = block->EndRip;
                op->Handler(s, op);
            }
            _undefined[start + i + 1] = UndefinedBehind(op, _undefined[start + i]);
            _reached = start + i + 1;
            Snapshot(_reached);
        }
        return true;
    }

    /// <summary>Compares, now that emitted code has left. Throws at the first divergence.</summary>
    /// <param name="step">How many instructions of the trace it has executed.</param>
    /// <param name="branched">Whether RIP is known: it has left behind a block.</param>
    public void Check(int step, bool branched)
    {
        if (step < _first || step >= _blind) return;
        string? difference = step > _reached ? "emitted code executed an instruction that the interpreter did not" : Difference(step, branched && step > _first);
        Compared++;
        if (difference is not null) throw new LockstepDivergenceException(Describe(step, difference));
    }

    public void Dispose() => NativeMemory.Free(_snapshots);

    private CpuState* At(int index) => (CpuState*)(_snapshots + index * SnapshotBytes);

    private void Snapshot(int index) => Buffer.MemoryCopy(_state, _snapshots + index * SnapshotBytes, SnapshotBytes, SnapshotBytes);

    private string? Difference(int index, bool branched)
    {
        CpuState* expected = At(index), found = _state;
        for (int i = 0; i < 16; i++)
        {
            if (expected->General[i] != found->General[i]) return $"{(Register)((int)Register.RAX + i)} is {found->General[i]:x16}, interpreted {expected->General[i]:x16}";
        }
        uint differing = (Flags.Read(expected) ^ Flags.Read(found)) & ~_undefined[index];
        if (differing != 0) return $"RFLAGS is {Flags.Read(found):x8}, interpreted {Flags.Read(expected):x8}";
        if (expected->Mode != found->Mode || expected->Cpl != found->Cpl) return $"mode is {found->Mode}, interpreted {expected->Mode}";
        for (int i = 0; i < 6; i++)
        {
            if (!IsSame(*CpuState.Segment(expected, i), *CpuState.Segment(found, i))) return $"segment register {i} differs";
        }
        for (int i = 0; i < 16; i++)
        {
            var a = new ReadOnlySpan<byte>(CpuState.Vector(expected, i), 32);
            var b = new ReadOnlySpan<byte>(CpuState.Vector(found, i), 32);
            if (!a.SequenceEqual(b)) return $"YMM{i} is {Convert.ToHexString(b)}, interpreted {Convert.ToHexString(a)}";
        }
        if (expected->Mxcsr != found->Mxcsr) return $"MXCSR is {found->Mxcsr:x8}, interpreted {expected->Mxcsr:x8}";
        if (branched && RipAt(index) is var rip && rip != found->Rip) return $"RIP is {found->Rip:x16}, interpreted {rip:x16}";
        return _journal.Compare(index) is { } memory ? $"memory at host {memory.At:x} is {memory.Found:x2}, interpreted {memory.Expected:x2}" : null;
    }

    private static bool IsSame(in SegmentRegister a, in SegmentRegister b) =>
        a.Base == b.Base && a.Limit == b.Limit && a.Selector == b.Selector && a.Attributes == b.Attributes;

    /// <summary>Where the interpreter was: inside a block its RIP is that behind the block.</summary>
    private ulong RipAt(int step)
    {
        int start = 0;
        for (int i = 0; i < _head->ChainLength && step > start; i++)
        {
            Block* block = _head->Chain[i];
            if (step < start + block->Count) return block->Rip + block->Ops[step - start].RipOffset;
            start += block->Count;
        }
        return At(step)->Rip;
    }

    /// <summary>Which flags mean nothing behind an instruction, given those before it.</summary>
    private static uint UndefinedBehind(Op* op, uint before)
    {
        Instruction instruction = default;
        instruction.Code = (Code)op->Code;
        // A shift's count decides which flags it leaves undefined.
        instruction.Immediate8 = (byte)op->Imm;
        uint undefined = Bits(instruction.RflagsUndefined), modified = Bits(instruction.RflagsModified);
        // A shift by CL may change nothing.
        OpCodeInfo code = instruction.Code.ToOpCode();
        if (code.Op1Kind == OpCodeOperandKind.cl || code.Op2Kind == OpCodeOperandKind.cl) modified = 0;
        return (before & ~modified) | undefined;
    }

    private static uint Bits(RflagsBits bits) =>
        ((bits & RflagsBits.CF) != 0 ? Flags.Cf : 0) | ((bits & RflagsBits.PF) != 0 ? Flags.Pf : 0) | ((bits & RflagsBits.AF) != 0 ? Flags.Af : 0)
        | ((bits & RflagsBits.ZF) != 0 ? Flags.Zf : 0) | ((bits & RflagsBits.SF) != 0 ? Flags.Sf : 0) | ((bits & RflagsBits.OF) != 0 ? Flags.Of : 0);

    private string Describe(int index, string difference)
    {
        var text = new StringBuilder();
        text.AppendLine($"translated code and the interpreter diverge after {Compared} stretches: {difference}");
        text.AppendLine($"trace at {_head->Rip:x16}, mode {_head->Mode}; compared before its instruction {index}:");
        int step = 0;
        for (int i = 0; i < _head->ChainLength; i++) Describe(text, _head->Chain[i], index, ref step);
        CpuState* before = At(_first);
        for (int i = 0; i < 16; i++) text.AppendLine($"{(Register)((int)Register.RAX + i)} before {before->General[i]:x16}, now {_state->General[i]:x16}");
        text.AppendLine($"RFLAGS before {Flags.Read(before):x8}, now {Flags.Read(_state):x8}");
        return text.ToString();
    }

    private void Describe(StringBuilder text, Block* block, int index, ref int step)
    {
        var reader = new CodeBytes();
        reader.Load(new ReadOnlySpan<byte>(block->Host, (int)Math.Min(4096 - (block->Rip & 0xFFF), block->EndRip - block->Rip)));
        Decoder decoder = Decoder.Create(64, reader);
        decoder.IP = block->Rip;
        var formatter = new IntelFormatter();
        var output = new StringOutput();
        for (int i = 0; i < block->Count; i++, step++)
        {
            decoder.Decode(out Instruction instruction);
            formatter.Format(instruction, output);
            text.AppendLine($"{(step == _first ? ">" : step == index ? "*" : " ")} {instruction.IP:x16}  {output.ToStringAndReset()}");
        }
    }
}

/// <summary>Translated code did something else than the interpreter.</summary>
public sealed class LockstepDivergenceException(string message) : Exception(message);
