using System.Diagnostics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interrupts;
using Hospes.Hypervisor.Soft.Memory;
using Hospes.Hypervisor.Soft.Translate;

namespace Hospes.Hypervisor.Soft;

/// <summary>Translated code: entering it, and what to do where it leaves.</summary>
internal sealed unsafe partial class SoftVcpu
{
    // SAFETY: emitted code is entered only at addresses that the code cache gave out since its last reset.

    /// <summary>All exceptions of SSE masked, as emitted code needs them: bits 7 to 12 of MXCSR.</summary>
    private const uint MaskedMxcsr = 0x1F80;

    /// <summary>How often in a row one instruction is tried again.</summary>
    private const int MaxRetries = 3;

    private CodeCache? _code;
    private Translator? _translator;
    private readonly int _threshold;
    private Lockstep? _lockstep;
    private bool _translates;
    private Profile? _profile;
    private int _checkFrom;
    private byte* _retried;
    private int _retries;

    /// <summary>Runs translated code from a block on, until something is to be looked at.</summary>
    private void RunTranslated(Block* block)
    {
        CpuState* s = _state;
        byte* at = block->Fast;
        _checkFrom = 0;
        s->NativeFlags = NativeFlags.FromLazy(s);
        while (true)
        {
            NativeExit* exit = _lockstep == null ? Enter(at) : EnterChecked(at, block);
            _profile?.Left(exit);
            // Both forms hold from here on; for a page that was only missing in the TLB nobody asks.
            if (exit->Reason != ExitReason.Memory) NativeFlags.ToLazy(s);
            Op* op = exit->Op;
            switch (exit->Reason)
            {
                case ExitReason.Branch:
                    s->Rip = exit->Rip;
                    int resets = _code!.Resets;
                    if (_lockstep is not null || Next() is var next && next == null) return;
                    // The exit is gone when everything was dropped meanwhile.
                    if (_code.Resets == resets) _translator!.Link(exit, next);
                    at = next->Fast;
                    continue;
                case ExitReason.Indirect:
                    if (!Addresses.IsCanonical(s->Rip) && op->Code == (ushort)Iced.Intel.Code.Retnq)
                    {
                        // The fault is the instruction's own, before it has popped anything.
                        s->General[VcpuState.Rsp] -= 8;
                    }
                    if (!Addresses.IsCanonical(s->Rip))
                    {
                        Begin(exit);
                        Rewind(s);
                        Delivery.Fault(this, Vector.GeneralProtection, 0);
                        return;
                    }
                    if (_lockstep is not null || Next() is var target && target == null) return;
                    _code!.AddJump(target);
                    at = target->Fast;
                    continue;
                case ExitReason.LookUp:
                    s->Rip = exit->Rip;
                    if (exit->Retry != null) Forward(exit);
                    else if (exit->Op != null) Redirect(exit->Block);
                    return;
                case ExitReason.Vectors:
                    if ((s->Mxcsr & MaskedMxcsr) != MaskedMxcsr)
                    {
                        Execute(s, exit->Block);
                        return;
                    }
                    at = exit->Resume;
                    break;
                case ExitReason.Plain:
                    byte* plain = _code!.HasRoom ? _translator!.TranslatePlain(exit) : null;
                    if (plain == null)
                    {
                        Execute(s, exit->Block);
                        return;
                    }
                    at = plain;
                    break;
                case ExitReason.Memory:
                    Begin(exit);
                    switch (Prepare(exit, out int error))
                    {
                        case Prepared.Ready when MayRetry(exit):
                            at = exit->Retry;
                            break;
                        case Prepared.Fault:
                            NativeFlags.ToLazy(s);
                            Rewind(s);
                            Delivery.Fault(this, Vector.PageFault, error);
                            return;
                        default:
                            _retried = null;
                            NativeFlags.ToLazy(s);
                            if (!Finish(exit)) return;
                            at = exit->Resume;
                            break;
                    }
                    break;
                default:
                    Begin(exit);
                    if (!Finish(exit)) return;
                    at = exit->Resume;
                    break;
            }
            if (!exit->NeedsVectors) continue;
            if ((s->Mxcsr & MaskedMxcsr) != MaskedMxcsr)
            {
                // Exceptions that are not masked are the interpreter's: it finishes the block.
                ExecuteFrom(s, exit->Block, at == exit->Resume ? op + 1 : op);
                return;
            }
            s->VectorsLoaded = 1;
        }
    }

    /// <summary>The translated block at RIP; null when there is none yet, when its page faults, or when something else is to be looked at first.</summary>
    private Block* Next()
    {
        CpuState* s = _state;
        if (Volatile.Read(ref s->Events) != 0) return null;
        s->CurrentOp = null;
        Block* block = _blocks.Find(s);
        if (block == null) return null;
        FetchPage(block);
        return IsTranslated(block) ? block : null;
    }

    /// <summary>Whether a block has a translation; counts towards one when not.</summary>
    private bool IsTranslated(Block* block)
    {
        if (block->Fast != null) return true;
        if (block->Heat < 0 || !_translates || ++block->Heat < _threshold) return false;
        return TryTranslate(block);
    }

    private bool TryTranslate(Block* block)
    {
        if (_translator is null && !TryBeginTranslation()) return false;
        if (!_code!.HasRoom)
        {
            DropBlocks();
            return false;
        }
        long began = _profile is null ? 0 : Stopwatch.GetTimestamp();
        bool translated = _translator!.Translate(block);
        _profile?.EndTranslation(began);
        if (translated) return true;
        block->Heat = -1;
        return false;
    }

    /// <summary>Enters with the interpreter gone ahead, and compares.</summary>
    private NativeExit* EnterChecked(byte* at, Block* head)
    {
        int from = _checkFrom;
        _checkFrom = 0;
        NativeFlags.ToLazy(_state);
        _lockstep!.Try(head, from);
        NativeExit* exit = Enter(at);
        while (exit->Reason == ExitReason.Memory && Prepare(exit, out _) == Prepared.Ready && MayRetry(exit))
        {
            if (exit->NeedsVectors) _state->VectorsLoaded = 1;
            exit = Enter(exit->Retry);
        }
        NativeFlags.ToLazy(_state);
        bool branched = exit->Reason is ExitReason.Branch or ExitReason.LookUp or ExitReason.Indirect;
        if (branched && exit->Reason != ExitReason.Indirect) _state->Rip = exit->Rip;
        // A return to an address that is none faults before it has done anything.
        if (exit->Reason != ExitReason.Vectors && Addresses.IsCanonical(_state->Rip)) _lockstep.Check(exit->Step, branched);
        if (exit->Reason is ExitReason.Memory or ExitReason.Interpret) _checkFrom = exit->Step + 1;
        return exit;
    }

    /// <summary>Makes the code cache, at the first block that is worth it. False where the host allows none.</summary>
    private bool TryBeginTranslation()
    {
        CodeCache? code = CodeCache.TryCreate(_state);
        _translates = code is not null;
        if (code is null) return false;
        _blocks.Dropped = code.Reset;
        if (_guest.Profile is not null) _profile = new Profile();
        _translator = new Translator(code, _blocks, _state, _guest.Settings.IsEager, _profile);
        if (_guest.Settings.Translation == Translation.Lockstep) _lockstep = new Lockstep(_state, Mmu);
        // Whoever overwrites code from here on tells this processor; who did before has moved the page's generation on.
        Interlocked.Exchange(ref _code, code);
        return true;
    }

    /// <summary>Enters emitted code, which takes the flags from, and leaves them in, <see cref="CpuState.NativeFlags"/>.</summary>
    private NativeExit* Enter(byte* at)
    {
        CpuState* s = _state;
        s->NativeTarget = at;
        return _code!.Exit((int)_code.Stubs.Enter(s));
    }

    /// <summary>The state is what a handler expects of the instruction that emitted code has left at.</summary>
    private void Begin(NativeExit* exit)
    {
        CpuState* s = _state;
        s->BlockRip = exit->Block->Rip;
        s->Rip = exit->Block->EndRip;
        s->CurrentOp = exit->Op;
    }

    /// <summary>Lets the handler do the instruction. False when emitted code must not simply go on behind it.</summary>
    private bool Finish(NativeExit* exit)
    {
        CpuState* s = _state;
        exit->Op->Handler(s, exit->Op);
        if (exit->Resume == null) return false;
        if (Volatile.Read(ref s->Events) == 0 && !exit->FinishesBlock)
        {
            s->NativeFlags = NativeFlags.FromLazy(s);
            return true;
        }
        // Events wait for the block's end.
        ExecuteFrom(s, exit->Block, exit->Op + 1);
        return false;
    }

    private static void ExecuteFrom(CpuState* s, Block* block, Op* op)
    {
        for (Op* end = block->Ops + block->Count; op != end; op++)
        {
            s->CurrentOp = op;
            op->Handler(s, op);
        }
    }

    /// <summary>
    /// Whether emitted code should try an instruction again. One that accesses two pages may find that each pushes the other out of the TLB: then its handler, which needs them
    /// one after the other, does it.
    /// </summary>
    private bool MayRetry(NativeExit* exit)
    {
        if (exit->Retry != _retried)
        {
            _retried = exit->Retry;
            _retries = 0;
        }
        return ++_retries <= MaxRetries;
    }

    private Prepared Prepare(NativeExit* exit, out int error)
    {
        ulong address = AddressOf(exit);
        error = 0;
        if (exit->IsAligned && (address & (exit->Size - 1UL)) != 0) return Prepared.Other;
        return Mmu.Prepare(address, exit->Size, exit->IsWrite, out error);
    }

    private ulong AddressOf(NativeExit* exit) => exit->Address switch
    {
        AccessedAddress.Operand => Mem.Address(_state, exit->Op),
        AccessedAddress.Push => _state->General[VcpuState.Rsp] - exit->Size,
        AccessedAddress.BitString => BitStringAddress(exit),
        AccessedAddress.Pop => _state->General[VcpuState.Rsp],
        _ => _state->General[VcpuState.Rbp],
    };

    /// <summary>The word that the bit number in a register picks: rounded down, whatever its sign.</summary>
    private ulong BitStringAddress(NativeExit* exit)
    {
        ulong number = *(ulong*)((byte*)_state + exit->Op->Reg1);
        long words = exit->Size == 8 ? (long)number >> 6 : (int)number >> 5;
        return Mem.Address(_state, exit->Op) + (ulong)words * exit->Size;
    }

    /// <summary>Blocks are found by RIP while the TLB is unchanged, but their page may have had to make room in it: who jumps there looks for it.</summary>
    private void FetchPage(Block* block)
    {
        if (block->Host != null && !Mmu.TryFetchHit(block->Rip, out _)) Mmu.Fetch(block->Rip, out _);
    }

    /// <summary>Branches through registers led to a block whose page is not in the TLB, or is another one now: then they are to lead to the block that is there.</summary>
    private void Redirect(Block* block)
    {
        FetchPages(block);
        if (block->LastHostPage != null) return;
        int resets = _code!.Resets;
        if (Next() is var found && found != null && found != block && _code.Resets == resets) _code.AddJump(found);
    }

    private void FetchPages(Block* block)
    {
        CpuState* s = _state;
        s->CurrentOp = null;
        if (block->LastHostPage == null)
        {
            FetchPage(block);
            return;
        }
        if (Mmu.Fetch((block->Rip & TlbEntry.PageMask) + 4096, out _) != block->LastHostPage) s->TlbGeneration++;
    }

    /// <summary>A dead translation was reached: whoever comes again goes straight to its successor, if that is the same code in the same place.</summary>
    private void Forward(NativeExit* exit)
    {
        int resets = _code!.Resets;
        if (Next() is var next && next != null && _code.Resets == resets && next->Host == exit->Block->Host) _translator!.Forward(exit, next);
    }

    /// <summary>Writes what was profiled. Once, when the processor has run for the last time.</summary>
    private void ReportProfile(TextWriter to)
    {
        if (_profile is null)
        {
            to.WriteLine($"processor {Id}: nothing was translated");
            return;
        }
        _profile.Resets = _code!.Resets;
        _profile.Invalidations = _code.Invalidations;
        ProfileReport.Write(to, Id, _profile);
    }
}
