using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>One instruction of a trace.</summary>
internal unsafe struct TraceStep
{
    // SAFETY: points into the block cache, which drops traces together with its blocks.

    /// <summary>The instruction.</summary>
    public Op* Op;

    /// <summary>The block that it belongs to.</summary>
    public Block* Block;

    /// <summary>Where its bytes begin in <see cref="Trace.Code"/>.</summary>
    public int At;

    /// <summary>Whether it is its block's last.</summary>
    public bool EndsBlock;

    /// <summary>The general registers that it may write, a bit each.</summary>
    public ushort Written;
}

/// <summary>
/// The blocks that one translation runs through: from a hot block along the way that was taken most so far, through calls and the returns from them,
/// up to a loop's head, a branch through a register, or the bounds. Who leaves the way goes on in a translation of its own.
/// </summary>
internal sealed unsafe class Trace
{
    // SAFETY: reads blocks of the block cache, which stay as they are.

    /// <summary>Instructions and blocks of one trace at most.</summary>
    public const int MaxSteps = 96, MaxBlocks = 12;

    /// <summary>A loop is unrolled to as many instructions, and as many times, at most.</summary>
    private const int UnrolledSteps = 40, UnrolledTimes = 4;

    /// <summary>How long a trace may be that takes another loop's head along.</summary>
    private const int AroundSteps = 32;

    /// <summary>How deep calls are followed.</summary>
    private const int MaxDepth = 6;

    private readonly TraceStep[] _steps = new TraceStep[MaxSteps];
    private readonly Instruction[] _instructions = new Instruction[MaxSteps];
    private readonly nint[] _blocks = new nint[MaxBlocks];
    private readonly ulong[] _returns = new ulong[MaxDepth];
    private readonly CodeBytes _bytes = new();
    private readonly Decoder _decoder;
    private readonly TraitTable _traits;
    private readonly BlockCache _cache;
    private readonly CpuState* _state;
    private readonly bool _eager;
    private int _length;
    private bool _isLoop, _around;

    /// <summary>Makes an empty trace.</summary>
    /// <param name="cache">Where blocks are found.</param>
    /// <param name="state">The processor's state.</param>
    /// <param name="traits">What is known of instructions.</param>
    /// <param name="eager">Whether blocks that were never executed are followed too, for tests.</param>
    public Trace(BlockCache cache, CpuState* state, TraitTable traits, bool eager)
    {
        _cache = cache;
        _state = state;
        _traits = traits;
        _eager = eager;
        _decoder = Decoder.Create(64, _bytes, DecoderOptions.Pcommit);
    }

    /// <summary>How many instructions.</summary>
    public int Count { get; private set; }

    /// <summary>The blocks in order.</summary>
    public ReadOnlySpan<nint> Blocks => _blocks.AsSpan(0, _length);

    /// <summary>The bytes of its instructions.</summary>
    public ReadOnlySpan<byte> Code => _bytes.Bytes;

    private Block* Head => (Block*)_blocks[0];

    /// <summary>An instruction.</summary>
    public ref readonly TraceStep this[int step] => ref _steps[step];

    /// <inheritdoc cref="this"/>
    public ref readonly Instruction Instruction(int step) => ref _instructions[step];

    /// <summary>Follows the way from a block on. False when the block's bytes are no longer those that were decoded.</summary>
    public bool Follow(Block* head)
    {
        Count = _length = 0;
        _bytes.Load([]);
        if (!TryAdd(head)) return false;
        if (head->LastHostPage != null) return true;
        int depth = 0;
        _around = false;
        for (Block* block = head; _length < MaxBlocks; )
        {
            block = Next(block, ref depth);
            if (block == null || !TryAdd(block)) break;
        }
        if (_isLoop && depth == 0) Unroll();
        return true;
    }

    /// <summary>The trace led back to its head: the same once more, a few times, so that what is done once a round is done once for several.</summary>
    private void Unroll()
    {
        int blocks = _length, steps = Count;
        for (int i = 1; i < UnrolledTimes && Count + steps <= UnrolledSteps && _length + blocks <= MaxBlocks; i++)
        {
            for (int j = 0; j < blocks; j++)
            {
                if (!TryAdd((Block*)_blocks[j])) return;
            }
        }
    }

    /// <summary>Takes the blocks of a translation up again. False when their bytes are no longer those that were decoded.</summary>
    public bool Load(Block* head)
    {
        Count = _length = 0;
        _bytes.Load([]);
        for (int i = 0; i < head->ChainLength; i++)
        {
            if (!TryAdd(head->Chain[i])) return false;
        }
        return true;
    }

    /// <summary>The block that follows the step's in the trace; null behind the last.</summary>
    public Block* Behind(int step) => step + 1 < Count ? _steps[step + 1].Block : null;

    private bool TryAdd(Block* block)
    {
        if (Count + block->Count > MaxSteps) return false;
        int start = _bytes.Bytes.Length, length = (int)(block->EndRip - block->Rip);
        int first = Math.Min(length, (int)(4096 - (block->Rip & 0xFFF)));
        if (start + length > CodeBytes.Capacity) return false;
        _bytes.Append(new ReadOnlySpan<byte>(block->Host, first));
        if (first < length) _bytes.Append(new ReadOnlySpan<byte>(block->LastHostPage, length - first));
        _bytes.Position = start;
        _decoder.IP = block->Rip;
        for (int i = 0; i < block->Count; i++)
        {
            ref Instruction instruction = ref _instructions[Count + i];
            _decoder.Decode(out instruction);
            Op* op = block->Ops + i;
            if (instruction.Length != op->Length || (ushort)instruction.Code != op->Code) return false;
            _steps[Count + i] = new TraceStep
            {
                Op = op,
                Block = block,
                At = start + op->RipOffset,
                EndsBlock = i == block->Count - 1,
                Written = WrittenRegisters.Of(instruction, _traits[instruction]),
            };
        }
        Count += block->Count;
        _blocks[_length++] = (nint)block;
        return true;
    }

    private Block* Next(Block* block, ref int depth)
    {
        ref readonly Instruction last = ref _instructions[Count - 1];
        Op* op = block->Ops + block->Count - 1;
        _isLoop = false;
        if (op->Faults) return null;
        switch (_traits[last].Treatment)
        {
            case Treatment.Interpret or Treatment.SetAccessCheck or Treatment.SystemCall or Treatment.SystemReturn: return null;
            case Treatment.Jump:
                _isLoop = op->Imm == Head->Rip;
                return Reachable(block, op->Imm) is var there && there != null ? there : Around(block, op->Imm);
            case Treatment.JumpIf: return Likelier(block, op->Imm);
            case Treatment.Call:
                if (depth == MaxDepth || Reachable(block, op->Imm, isCall: true) is var callee && callee == null) return null;
                _returns[depth++] = block->EndRip;
                return callee;
            case Treatment.Return: return depth == 0 ? null : Reachable(block, _returns[--depth], isCall: true);
            case Treatment.JumpIndirect:
                // A table of one: the linker's. Others go anywhere.
                return block->Target != 0 && op->HasMemory && op->Base == CpuState.ZeroOffset && op->Index == CpuState.ZeroOffset ? Reachable(block, block->Target, isCall: true) : null;
            case Treatment.CallIndirect:
                if (depth == MaxDepth || block->Target == 0 || Reachable(block, block->Target, isCall: true) is var called && called == null) return null;
                _returns[depth++] = block->EndRip;
                return called;
            default: return Reachable(block, block->EndRip);
        }
    }

    /// <summary>The side of a conditional branch that was executed more, as far as that is known; a loop's head begins a trace of its own.</summary>
    private Block* Likelier(Block* block, ulong taken)
    {
        Block* there = Addresses.IsCanonical(taken) ? Reachable(block, taken) : null, here = Reachable(block, block->EndRip);
        _isLoop = taken == Head->Rip;
        if (taken <= block->Rip && there == null) return null;
        _isLoop = false;
        if (there == null || here == null) return there == null ? here : there;
        return Weight(there) > Weight(here) ? there : here;
    }

    /// <summary>
    /// A way back to a loop's head that another trace begins with: the head's own way is taken along once, so that what it ends with (a dispatch through a table, mostly) is
    /// predicted for each way that leads there.
    /// </summary>
    private Block* Around(Block* block, ulong rip)
    {
        if (_around || Count > AroundSteps || rip > block->Rip) return null;
        _around = true;
        return Reachable(block, rip, isCall: true);
    }

    private static int Weight(Block* block) => block->Fast != null ? int.MaxValue : block->Heat;

    private Block* Reachable(Block* from, ulong rip, bool isCall = false)
    {
        if (!Addresses.IsCanonical(rip)) return null;
        Block* block = _eager ? _cache.PeekOrDecode(_state, rip) : _cache.Peek(_state, rip);
        if (block == null || block->Host == null) return null;
        if (!isCall && rip <= from->Rip) block->IsLoopHead = true;
        if (block->IsLoopHead && !isCall) return null;
        if (!_eager && block->Heat <= 0 && block->Fast == null) return null;
        return _blocks.AsSpan(0, _length).Contains((nint)block) ? null : block;
    }
}
