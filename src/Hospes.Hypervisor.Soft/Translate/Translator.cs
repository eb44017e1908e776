using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Emit;
using Hospes.Hypervisor.Soft.Memory;
using Assembler = Hospes.Hypervisor.Soft.Emit.Assembler;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// Turns traces of decoded blocks into host code. A trace becomes: a check that its page is still mapped where it was and that no event waits (for
/// whoever comes from another page), then its instructions, then jumps to what follows. Ways off the trace and everything unlikely stand behind it:
/// a TLB miss leaves before its instruction has changed anything, so that the interpreter's handler can do the whole instruction.
/// </summary>
internal sealed unsafe partial class Translator
{
    // SAFETY: writes go through the assembler, which was asked for room; host addresses in code are those of the cache and of the state's own area.

    private const ulong PageMask = TlbEntry.PageMask;

    private readonly CodeCache _cache;
    private readonly CpuState* _state;
    private readonly Assembler _a;
    private readonly TraitTable _traits = new();
    private readonly Trace _trace;
    private readonly WindowPlan _plan = new();
    private readonly List<Cold> _cold = [];
    private readonly List<Side> _sides = [];
    private readonly List<ulong> _pages = [];
    private readonly Profile? _profile;

    private Block* _head, _block;
    private Op* _op;
    private bool _isLast, _usesVectors, _keepsScratch;
    private int _index;

    /// <summary>The window whose address Scratch0 holds; negative when it holds none.</summary>
    private int _scratchWindow;
    private int _table;
    private ulong _highest;

    /// <summary>How many steps have been executed where a way off the trace leaves.</summary>
    private short _behind;

    public Translator(CodeCache cache, BlockCache blocks, CpuState* state, bool eager, Profile? profile)
    {
        _profile = profile;
        _cache = cache;
        _state = state;
        _a = cache.Assembler;
        _trace = new Trace(blocks, state, _traits, eager);
    }

    /// <summary>Blocks translated since creation.</summary>
    public long Translated { get; private set; }

    /// <summary>Whether code of a mode can be translated.</summary>
    public static bool CanTranslate(Mode mode) =>
        (mode & Mode.Code64) != 0 && (mode & (Mode.SingleStep | Mode.Breakpoints | Mode.Inspected | Mode.Debugged)) == 0;

    /// <summary>Translates the trace that begins with a block. False when it is not worth it or its code has changed meanwhile.</summary>
    public bool Translate(Block* head)
    {
        if (!CanTranslate(head->Mode) || head->Host == null || _cache.JumpTable(head->Mode) < 0) return false;
        if (head->LastHostPage != null && head->Count > 1) return false;
        if (!_trace.Follow(head)) return false;
        _head = _block = head;
        _index = 0;
        _flags = FlagState.Saved;
        _cold.Clear();
        _table = CpuArea.TlbOffset + (int)ModeUpdate.PrivilegeOf(head->Mode) * CpuArea.TlbBytes;
        byte* entry = _a.Position;
        EmitChecks();
        byte* fast = _a.Position;
        EmitSecondPageCheck();
        EmitVectorCheck();
        _plan.Make(_trace, _traits);
        Profile.Entry? profiled = _profile?.Begin(_trace, head);
        if (profiled is not null) Profile.EmitCount(_a, profiled.RunsAddress);
        EmitBody();
        profiled?.Emitted(entry, _a.Position);
        _block = head;
        EmitDead(entry, fast);
        if (!_cache.Register(head, _trace.Blocks)) return false;
        head->Entry = entry;
        head->Fast = fast;
        Translated++;
        return true;
    }

    /// <summary>
    /// Emits a trace once more, every access looked up by itself: a window that its first instruction opens cannot be had. Answers where to go on, or null when its code has changed meanwhile.
    /// </summary>
    public byte* TranslatePlain(NativeExit* exit)
    {
        Block* head = exit->Block;
        if (!_trace.Load(head)) return null;
        _head = head;
        _table = CpuArea.TlbOffset + (int)ModeUpdate.PrivilegeOf(head->Mode) * CpuArea.TlbBytes;
        _usesVectors = exit->NeedsVectors;
        _plan.Clear();
        byte* plain = _a.Position;
        if (_profile?.Begin(_trace, head) is { } profiled) Profile.EmitCount(_a, profiled.PlainRunsAddress);
        EmitBody();
        _a.Patch(exit->Link, plain);
        return plain;
    }

    /// <summary>Emits the instructions, what follows them, and their ways out.</summary>
    private void EmitBody()
    {
        _flags = FlagState.Saved;
        _producer = _scratchWindow = -1;
        _highest = 0;
        _pages.Clear();
        _pages.Add(_head->Rip & PageMask);
        bool open = true;
        for (_index = 0; open && _index < _trace.Count; _index++)
        {
            ref readonly TraceStep step = ref _trace[_index];
            _op = step.Op;
            _block = step.Block;
            _isLast = step.EndsBlock;
            _highest = Math.Max(_highest, _block->Rip);
            _behind = (short)(_index + 1);
            int firstCold = _cold.Count;
            _keepsScratch = false;
            _keeps = Kept.Nothing;
            open = EmitInstruction(_trace.Instruction(_index));
            if (!_keepsScratch) _scratchWindow = -1;
            SetResume(firstCold);
            if (!open || !_isLast) continue;
            Block* next = _trace.Behind(_index);
            open = next != null;
            if (open) EnterPage(next);
            else EmitGoTo(_block->EndRip);
        }
        EmitSides();
        EmitCold();
    }

    /// <summary>The trace goes on in a block whose page may not have been looked at yet.</summary>
    private void EnterPage(Block* next)
    {
        ulong page = next->Rip & PageMask;
        if (_pages.Contains(page)) return;
        Clobber();
        _scratchWindow = -1;
        _a.Constant(S0, TlbEntry.ExecuteKey(next->Rip, (ulong)next->Host & PageMask));
        _a.RegState(0x3B, S0, EntryOffset(next->Rip) + TlbEntry.ExecuteOffset);
        AddCold(_a.JumpIf(Assembler.NotEqual), new NativeExit { Reason = ExitReason.Branch, Rip = next->Rip, Step = _behind });
        _pages.Add(page);
    }

    /// <summary>Emits the ways off the trace that are not exits: they are translated code as well.</summary>
    private void EmitSides()
    {
        foreach (Side side in _sides)
        {
            _a.Patch((byte*)side.Jump, _a.Position);
            // What comes now is done before the step that the trace would have gone on with.
            (_flags, _producer, _index, _behind, _highest) = (side.Flags, side.Producer, side.Index, (short)side.Step, side.Highest);
            _op = _trace[_index].Op;
            _block = _trace[_index].Block;
            if (side.IsIndirect) EmitGoToScratch();
            else EmitGoTo(side.Rip);
        }
        _sides.Clear();
    }

    private void AddSide(byte* jump, ulong rip, bool isIndirect = false, int step = -1) =>
        _sides.Add(new Side((nint)jump, rip, isIndirect, _flags, _producer, _index, step < 0 ? _index + 1 : step, _highest));

    /// <summary>What those must pass who come from elsewhere: the page is mapped to the same memory, and nothing waits.</summary>
    private void EmitChecks()
    {
        EmitMappingCheck(_block->Rip, (ulong)_block->Host & PageMask);
        EmitEventCheck(_block->Rip, 0);
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
    private void EmitEventCheck(ulong rip, short step)
    {
        _a.Byte(Assembler.Gs);
        _a.Byte(0x83);
        _a.ModMemory(7, -1, -1, 0, StateOffset.Events);
        _a.Byte(0);
        AddCold(_a.JumpIf(Assembler.NotEqual), new NativeExit { Reason = ExitReason.LookUp, Rip = rip, Step = step });
    }

    private void EmitVectorCheck()
    {
        _usesVectors = false;
        for (int i = 0; i < _trace.Count && !_usesVectors; i++)
        {
            ref readonly TranslationTraits traits = ref _traits[_trace.Instruction(i)];
            _usesVectors = traits.UsesVectors && traits.Treatment != Treatment.Interpret && !_trace[i].Op->Faults;
        }
        if (!_usesVectors) return;
        _a.Byte(Assembler.Gs);
        _a.Byte(0x80);
        _a.ModMemory(7, -1, -1, 0, StateOffset.VectorsLoaded);
        _a.Byte(0);
        _op = _block->Ops;
        byte* jump = _a.JumpIf(Assembler.Equal);
        AddCold(jump, new NativeExit { Reason = ExitReason.Vectors, Rip = _block->Rip, Op = _op, Resume = _a.Position });
    }

    /// <summary>The distance from the state of the TLB entry for a constant address.</summary>
    private int EntryOffset(ulong linear) => _table + TlbEntry.Index(linear) * TlbEntry.Bytes;

    /// <summary>Ways out of the instruction just emitted come back behind it, with the flags where the code there expects them.</summary>
    private void SetResume(int first)
    {
        if (_isLast) return;
        bool restore = _flags is FlagState.Host or FlagState.Both;
        for (int i = first; i < _cold.Count; i++)
        {
            if (_cold[i].Exit.Reason is not (ExitReason.Memory or ExitReason.Interpret)) continue;
            _cold[i] = _cold[i].ResumingAt(_a.Position, restore, _keeps != Kept.Nothing);
            _scratchWindow = -1;
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
            if (cold.Producer >= 0)
            {
                EmitAgain(cold.Producer, exit.Step);
                EmitSave();
            }
            EmitExit(exit);
        }
        _cold.Clear();
    }

    private void EmitExit(in NativeExit exit)
    {
        NativeExit copy = exit;
        // The address of an indirect branch is in the scratch register that the exit's number takes.
        if (exit.Reason == ExitReason.Indirect) _a.RegState(0x89, RegisterMap.Scratch0, StateOffset.Rip);
        copy.NeedsVectors = _usesVectors;
        _a.Constant(RegisterMap.Scratch0, (uint)_cache.AddExit(copy));
        _a.Jump(_cache.Stubs.Exit);
    }

    private void EmitDead(byte* entry, byte* fast)
    {
        _head->Dead = _a.Position;
        EmitExit(new NativeExit { Reason = ExitReason.LookUp, Block = _head, Rip = _head->Rip, Retry = entry, Resume = fast });
    }

    private void AddCold(byte* jump, NativeExit exit)
    {
        exit.Block = _block;
        _cold.Add(new Cold((nint)jump, exit, _flags == FlagState.Pending ? _producer : -1));
    }

    /// <summary>A way out that is emitted behind the trace.</summary>
    private readonly struct Cold(nint jump, NativeExit exit, int producer, bool restores = false)
    {
        public readonly NativeExit Exit = exit;

        /// <summary>The instruction whose flags are to be had again first; negative when RAX has them.</summary>
        public readonly int Producer = producer;

        /// <summary>Whether the host's flags are to be restored where it comes back.</summary>
        public readonly bool Restores = restores;

        public byte* Jump => (byte*)jump;

        public Cold ResumingAt(byte* address, bool restores, bool finishesBlock)
        {
            NativeExit exit = Exit;
            exit.Resume = address;
            exit.FinishesBlock = finishesBlock;
            return new Cold((nint)Jump, exit, Producer, restores);
        }
    }

    /// <summary>A way off the trace, to an address or to the one in Scratch0, with what is known of the flags there.</summary>
    private readonly record struct Side(nint Jump, ulong Rip, bool IsIndirect, FlagState Flags, int Producer, int Index, int Step, ulong Highest);
}
