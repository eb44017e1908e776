using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Emit;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// Turns decoded blocks into host code. A block becomes: a check that its page is still mapped where it was and that no event waits (for whoever
/// comes from another page), then its instructions, then jumps to what follows. Everything unlikely leaves through cold code behind the block:
/// a TLB miss leaves before its instruction has changed anything, so that the interpreter's handler can do the whole instruction.
/// </summary>
internal sealed unsafe partial class Translator
{
    // SAFETY: writes go through the assembler, which was asked for room; host addresses in code are those of the cache and of the state's own area.

    private const ulong PageMask = TlbEntry.PageMask;

    private readonly CodeCache _cache;
    private readonly Assembler _a;
    private readonly CodeBytes _bytes = new();
    private readonly Decoder _decoder;
    private readonly TraitTable _traits = new();
    private readonly List<Cold> _cold = [];
    private readonly List<nint> _misses = [];
    private readonly Instruction[] _instructions = new Instruction[BlockDecoder.MaxOps];

    private Block* _block;
    private Op* _op;
    private FlagState _flags;
    private readonly WindowPlan _plan = new();
    private bool _isLast, _usesVectors;
    private int _index;
    private int _table;

    public Translator(CodeCache cache)
    {
        _cache = cache;
        _a = cache.Assembler;
        _decoder = Decoder.Create(64, _bytes, DecoderOptions.Pcommit);
    }

    /// <summary>Blocks translated since creation.</summary>
    public long Translated { get; private set; }

    /// <summary>Whether code of a mode can be translated.</summary>
    public static bool CanTranslate(Mode mode) =>
        (mode & Mode.Code64) != 0 && (mode & (Mode.SingleStep | Mode.Breakpoints | Mode.Inspected)) == 0;

    /// <summary>Translates a block. False when it is not worth it or its code has changed meanwhile.</summary>
    public bool Translate(Block* block)
    {
        if (!CanTranslate(block->Mode) || block->Host == null || _cache.JumpTable(block->Mode) < 0) return false;
        if (block->LastHostPage != null && block->Count > 1) return false;
        if (!Decode(block)) return false;
        _block = block;
        _cold.Clear();
        _table = CpuArea.TlbOffset + (int)ModeUpdate.PrivilegeOf(block->Mode) * CpuArea.TlbBytes;
        byte* entry = _a.Position;
        EmitChecks();
        byte* fast = _a.Position;
        EmitSecondPageCheck();
        EmitVectorCheck();
        _plan.Make(block, _instructions, _traits);
        byte* plain = EmitWindows();
        EmitBody();
        if (plain != null)
        {
            // Where a window is not in the TLB, or crosses a page, every access is looked up by itself.
            _a.Patch(plain, _a.Position);
            foreach (nint miss in _misses) _a.Patch((byte*)miss, _a.Position);
            _misses.Clear();
            _plan.Clear();
            _cold.Clear();
            EmitBody();
        }
        EmitDead(block, entry, fast);
        if (!_cache.Register(block)) return false;
        block->Entry = entry;
        block->Fast = fast;
        Translated++;
        return true;
    }

    /// <summary>Emits the instructions, what follows them, and their ways out.</summary>
    private void EmitBody()
    {
        _flags = FlagState.Saved;
        bool open = true;
        for (_index = 0; _index < _block->Count; _index++)
        {
            _op = _block->Ops + _index;
            _isLast = _index == _block->Count - 1;
            int firstCold = _cold.Count;
            open = EmitInstruction(_instructions[_index]);
            SetResume(firstCold);
        }
        if (open) EmitGoTo(_block->EndRip);
        EmitCold();
    }

    /// <summary>Decodes the block again, with everything that Iced knows. False when its bytes are no longer those that were decoded.</summary>
    private bool Decode(Block* block)
    {
        int length = (int)(block->EndRip - block->Rip);
        int first = Math.Min(length, (int)(4096 - (block->Rip & 0xFFF)));
        _bytes.Load(new ReadOnlySpan<byte>(block->Host, first));
        if (first < length) _bytes.Append(new ReadOnlySpan<byte>(block->LastHostPage, length - first));
        _bytes.Position = 0;
        _decoder.IP = block->Rip;
        for (int i = 0; i < block->Count; i++)
        {
            ref Instruction instruction = ref _instructions[i];
            _decoder.Decode(out instruction);
            if (instruction.Length != block->Ops[i].Length || (ushort)instruction.Code != block->Ops[i].Code) return false;
        }
        return true;
    }

    /// <summary>What those must pass who come from elsewhere: the page is mapped to the same memory, and nothing waits.</summary>
    private void EmitChecks()
    {
        EmitMappingCheck(_block->Rip, (ulong)_block->Host & PageMask);
        EmitEventCheck(_block->Rip);
    }

    private void EmitSecondPageCheck()
    {
        if (_block->LastHostPage != null) EmitMappingCheck((_block->Rip & PageMask) + 4096, (ulong)_block->LastHostPage & PageMask);
    }

    private void EmitMappingCheck(ulong linear, ulong hostPage)
    {
        _a.Constant(RegisterMap.Scratch0, TlbEntry.ExecuteKey(linear, hostPage));
        _a.RegState(0x3B, RegisterMap.Scratch0, EntryOffset(linear) + TlbEntry.ExecuteOffset);
        AddCold(_a.JumpIf(Assembler.NotEqual), new NativeExit { Reason = ExitReason.LookUp, Rip = _block->Rip, Op = _block->Ops });
    }

    /// <summary>Leaves for <paramref name="rip"/> when an event waits. The flags must be saved.</summary>
    private void EmitEventCheck(ulong rip)
    {
        _a.Byte(Assembler.Gs);
        _a.Byte(0x83);
        _a.ModMemory(7, -1, -1, 0, StateOffset.Events);
        _a.Byte(0);
        AddCold(_a.JumpIf(Assembler.NotEqual), new NativeExit { Reason = ExitReason.LookUp, Rip = rip });
    }

    private void EmitVectorCheck()
    {
        _usesVectors = false;
        for (int i = 0; i < _block->Count && !_usesVectors; i++)
        {
            ref readonly TranslationTraits traits = ref _traits[_instructions[i]];
            _usesVectors = traits.UsesVectors && traits.Treatment != Treatment.Interpret && !_block->Ops[i].Faults;
        }
        if (!_usesVectors) return;
        _a.Byte(Assembler.Gs);
        _a.Byte(0x80);
        _a.ModMemory(7, -1, -1, 0, StateOffset.VectorsLoaded);
        _a.Byte(0);
        _op = _block->Ops;
        byte* jump = _a.JumpIf(Assembler.Equal);
        AddCold(jump, new NativeExit { Reason = ExitReason.Vectors, Rip = _block->Rip, Block = _block, Op = _op, Resume = _a.Position });
    }

    /// <summary>The distance from the state of the TLB entry for a constant address.</summary>
    private int EntryOffset(ulong linear) => _table + TlbEntry.Index(linear) * TlbEntry.Bytes;

    /// <summary>Ways out of the instruction just emitted come back behind it, with the flags where the code there expects them.</summary>
    private void SetResume(int first)
    {
        if (_isLast) return;
        bool restore = _flags != FlagState.Saved;
        for (int i = first; i < _cold.Count; i++)
        {
            if (_cold[i].Exit.Reason is ExitReason.Memory or ExitReason.Interpret) _cold[i] = _cold[i].ResumingAt(_a.Position, restore);
        }
    }

    /// <summary>Emits the ways out that were set aside.</summary>
    private void EmitCold()
    {
        byte* behind = null, stub = null;
        foreach (Cold cold in _cold)
        {
            NativeExit exit = cold.Exit;
            if (cold.Restores)
            {
                if (behind != exit.Resume)
                {
                    behind = exit.Resume;
                    stub = _a.Position;
                    EmitRestore();
                    _a.Jump(behind);
                }
                exit.Resume = stub;
            }
            _a.Patch(cold.Jump, _a.Position);
            EmitExit(exit);
        }
    }

    private void EmitExit(in NativeExit exit)
    {
        NativeExit copy = exit;
        // The address of an indirect branch is in the scratch register that the exit's number takes.
        if (exit.Reason == ExitReason.Indirect) _a.RegState(0x89, RegisterMap.Scratch0, StateOffset.Rip);
        copy.Block = _block;
        copy.NeedsVectors = _usesVectors;
        _a.Constant(RegisterMap.Scratch0, (uint)_cache.AddExit(copy));
        _a.Jump(_cache.Stubs.Exit);
    }

    private void EmitDead(Block* block, byte* entry, byte* fast)
    {
        block->Dead = _a.Position;
        EmitExit(new NativeExit { Reason = ExitReason.LookUp, Rip = block->Rip, Retry = entry, Resume = fast });
    }

    private void AddCold(byte* jump, in NativeExit exit) => _cold.Add(new Cold((nint)jump, exit));

    /// <summary>A way out that is emitted behind the block.</summary>
    private readonly struct Cold(nint jump, NativeExit exit, bool restores = false)
    {
        public readonly NativeExit Exit = exit;

        /// <summary>Whether the host's flags are to be restored where it comes back.</summary>
        public readonly bool Restores = restores;

        public byte* Jump => (byte*)jump;

        public Cold ResumingAt(byte* address, bool restores)
        {
            NativeExit exit = Exit;
            exit.Resume = address;
            return new Cold((nint)Jump, exit, restores);
        }
    }
}
