using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interrupts;

namespace Hospes.Hypervisor.Soft;

/// <summary>The run loop: blocks, what happens between them, and the ways out.</summary>
internal sealed unsafe partial class SoftVcpu
{
    private readonly object _waitGate = new();
    private int _waiting;
    private PollWindow _poll;
    private int _outside = 1;
    private int _nmis;
    private byte _sipiVector;
    private bool _suppressTrap, _delivering;

    /// <inheritdoc/>
    public Status Run(out Packet packet)
    {
        CpuState* s = _state;
        // A processor that waits or has shut down must not execute before the loop has looked at that.
        if (Activity != VcpuActivity.Running) LookAfterBlock();
        EnterGuest();
        try
        {
            while (true)
            {
                try
                {
                    Outcome outcome = _replay.Count > 0 ? RunReplay() : RunBlocks();
                    if (outcome == Outcome.Canceled)
                    {
                        packet = default;
                        return Status.Canceled;
                    }
                    packet = _packet;
                    _hasPacket = false;
                    return Status.Ok;
                }
                catch (GuestFault fault)
                {
                    _replay.Clear();
                    // An access of an instruction that did not complete is none.
                    _stop = DebugStop.None;
                    Rewind(s);
                    Delivery.Fault(this, fault.Vector, fault.ErrorCode);
                }
                catch (DeviceExit)
                {
                    Rewind(s);
                    packet = _packet;
                    _hasPacket = false;
                    return Status.Ok;
                }
                catch (BlockRestart)
                {
                    Rewind(s);
                    StepAlone();
                }
                if (_hasPacket)
                {
                    packet = _packet;
                    _hasPacket = false;
                    return Status.Ok;
                }
            }
        }
        finally
        {
            LeaveGuest();
        }
    }

    /// <inheritdoc/>
    public void Kick() => Post(CpuEvents.Kick);

    /// <inheritdoc/>
    public void Interrupt(byte vector) => Apic.Accept(vector, level: false);

    /// <inheritdoc/>
    public void InterruptNonMaskable()
    {
        // One NMI can be in service and one latched behind it (SDM vol. 3, 6.7.1).
        int limit = NmiBlocked ? 1 : 2;
        int old = Volatile.Read(ref _nmis);
        while (old < limit)
        {
            int seen = Interlocked.CompareExchange(ref _nmis, old + 1, old);
            if (seen == old) break;
            old = seen;
        }
        Post(CpuEvents.Nmi);
    }

    /// <summary>Asks the processor to look up between two blocks. Any thread.</summary>
    public void Post(int events)
    {
        Interlocked.Or(ref _state->Events, events);
        if (Volatile.Read(ref _waiting) == 0) return;
        lock (_waitGate) Monitor.PulseAll(_waitGate);
    }

    /// <summary>INIT from an IPI.</summary>
    public void PostInit() => Post(CpuEvents.Init);

    /// <summary>A start-up IPI with its vector.</summary>
    public void PostSipi(byte vector)
    {
        Volatile.Write(ref _sipiVector, vector);
        Post(CpuEvents.Sipi);
    }

    /// <summary>Asks the loop, from an instruction, to look between this block and the next.</summary>
    public void LookAfterBlock() => Interlocked.Or(ref _state->Events, CpuEvents.BlockEnd);

    /// <summary>The running instruction gives no single-step trap, whatever TF was.</summary>
    public void SuppressTrap() => _suppressTrap = true;

    /// <summary>Whether the last instruction asked for that; forgets it.</summary>
    public bool TakeSuppression()
    {
        bool suppressed = _suppressTrap;
        _suppressTrap = false;
        return suppressed;
    }

    /// <summary>The running instruction gives a single-step trap although TF was clear before it.</summary>
    public void TrapNow()
    {
        PendingDebug |= 1 << 14;
        LookAfterBlock();
    }

    /// <summary>While an exception is delivered, devices are not asked: reads give all ones, writes are dropped.</summary>
    public void BeginDelivery() => _delivering = true;

    /// <summary>Ends what <see cref="BeginDelivery"/> began.</summary>
    public void EndDelivery() => _delivering = false;

    /// <summary>Whether a non-maskable interrupt waits.</summary>
    public bool HasNmi
    {
        get => Volatile.Read(ref _nmis) > 0;
        set => Volatile.Write(ref _nmis, value ? Math.Max(1, _nmis) : 0);
    }

    /// <summary>The hot loop. Leaves for a packet or a kick; faults leave as exceptions.</summary>
    private Outcome RunBlocks()
    {
        CpuState* s = _state;
        while (true)
        {
            if (Volatile.Read(ref s->Events) != 0)
            {
                Outcome outcome = Between();
                if (outcome != Outcome.Continue) return outcome;
            }
            if ((s->Mode & Mode.Debugged) != 0 && StopsHere())
            {
                LookAfterBlock();
                continue;
            }
            Block* block = _blocks.Find(s);
            if (block == null)
            {
                Delivery.Fault(this, Vector.PageFault, _blocks.FetchError);
                continue;
            }
            if (IsTranslated(block)) RunTranslated(block);
            else
            {
                Execute(s, block);
                block->Target = s->Rip;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Execute(CpuState* s, Block* block)
    {
        s->BlockRip = block->Rip;
        s->Rip = block->EndRip;
        Op* op = block->Ops;
        Op* end = op + block->Count;
        do
        {
            s->CurrentOp = op;
            op->Handler(s, op);
            op++;
        }
        while (op != end);
    }

    /// <summary>After a fault or an exit: RIP is again that of the instruction that did not complete.</summary>
    private static void Rewind(CpuState* s)
    {
        if (s->CurrentOp != null) s->Rip = s->BlockRip + s->CurrentOp->RipOffset;
    }

    /// <summary>Runs one instruction by itself, with writes to its own code let through.</summary>
    private void StepAlone()
    {
        CpuState* s = _state;
        bool trap = (s->SystemFlags & Flags.Tf) != 0;
        _alone = true;
        try
        {
            Execute(s, _blocks.DecodeOne(s));
            _replay.Clear();
            Debugger.AfterInstruction(this, trap);
            NoteStep();
        }
        catch (GuestFault fault)
        {
            _replay.Clear();
            Rewind(s);
            Delivery.Fault(this, fault.Vector, fault.ErrorCode);
        }
        catch (DeviceExit)
        {
            // The packet is set; the instruction runs again once it is answered.
            Rewind(s);
        }
        finally
        {
            _alone = false;
        }
    }

    /// <summary>Runs the instruction again that waited for the machine's answer.</summary>
    private Outcome RunReplay()
    {
        _replay.Rewind();
        StepAlone();
        return _hasPacket ? Outcome.Packet : RunBlocks();
    }

    /// <summary>Everything that is looked at between two instructions, in the order of SDM vol. 3, table 6-2.</summary>
    private Outcome Between()
    {
        CpuState* s = _state;
        while (true)
        {
            int events = Interlocked.And(ref s->Events, CpuEvents.Stepping);
            if ((events & CpuEvents.FlushTlb) != 0) DropTranslations();
            if ((events & CpuEvents.CodeChanged) != 0) _code?.TakeChanges();
            if ((events & CpuEvents.Kick) != 0)
            {
                // What was taken from the word but not yet looked at is put back.
                int rest = events & ~(CpuEvents.Kick | CpuEvents.FlushTlb | CpuEvents.CodeChanged | CpuEvents.Stepping);
                if (rest != 0) Interlocked.Or(ref s->Events, rest);
                return Outcome.Canceled;
            }
            if (!_hasPacket && _ended.Highest() is var ended and >= 0)
            {
                _ended.Clear(ended);
                Leave(PacketKind.EndOfInterrupt, (ulong)ended, 0, write: true, 0, null);
            }
            if (!_hasPacket) ReportStop();
            if (_hasPacket)
            {
                Interlocked.Or(ref s->Events, events & ~(CpuEvents.FlushTlb | CpuEvents.CodeChanged | CpuEvents.Stepping) | CpuEvents.BlockEnd);
                return Outcome.Packet;
            }
            if ((events & CpuEvents.Init) != 0)
            {
                Reset.Init(this);
                if (Id != 0) Activity = VcpuActivity.WaitForSipi;
            }
            if ((events & CpuEvents.Sipi) != 0 && Activity == VcpuActivity.WaitForSipi)
            {
                Reset.StartUp(this, Volatile.Read(ref _sipiVector));
                Activity = VcpuActivity.Running;
            }
            if (Activity is VcpuActivity.WaitForSipi or VcpuActivity.Shutdown)
            {
                Wait(CpuEvents.Init | CpuEvents.Sipi | CpuEvents.Kick | CpuEvents.FlushTlb | CpuEvents.CodeChanged);
                continue;
            }
            if (PendingDebug != 0 && s->InterruptShadow != Shadow.MovSs)
            {
                Activity = VcpuActivity.Running;
                Delivery.DebugTrap(this);
                continue;
            }
            if (s->InterruptShadow == Shadow.None && Debug is not { SingleStep: true } && TakeInterrupt()) continue;
            if (Activity == VcpuActivity.Halted)
            {
                s->InterruptShadow = Shadow.None;
                if (TakeInterrupt()) continue;
                Wait(~CpuEvents.Stepping);
                continue;
            }
            bool stepping = (s->Mode & (Mode.SingleStep | Mode.Breakpoints | Mode.Traced)) != 0;
            if (stepping || s->InterruptShadow != Shadow.None || (s->SystemFlags & Flags.Rf) != 0)
            {
                if (StopsHere() || !Debugger.BeforeInstruction(this)) continue;
                StepOne();
                if (_hasPacket) return Outcome.Packet;
                continue;
            }
            if (Volatile.Read(ref s->Events) == 0) return Outcome.Continue;
        }
    }

    /// <summary>One instruction under the eyes of single-stepping, breakpoints or an interrupt shadow.</summary>
    private void StepOne()
    {
        CpuState* s = _state;
        bool trap = (s->SystemFlags & Flags.Tf) != 0;
        byte shadow = s->InterruptShadow;
        uint resume = s->SystemFlags & Flags.Rf;
        s->InterruptShadow = Shadow.None;
        Interlocked.Or(ref s->Events, CpuEvents.BlockEnd);
        Block* block = _blocks.DecodeOne(s);
        if (resume != 0) s->SystemFlags &= ~Flags.Rf;
        try
        {
            _suppressTrap = false;
            Execute(s, block);
        }
        catch (DeviceExit)
        {
            Rewind(s);
            s->InterruptShadow = shadow;
            s->SystemFlags |= resume;
            return;
        }
        catch (GuestFault)
        {
            s->SystemFlags |= resume;
            throw;
        }
        Debugger.AfterInstruction(this, trap);
        NoteStep();
    }

    /// <summary>Delivers an NMI or the interrupt of highest priority, if one may be delivered now.</summary>
    private bool TakeInterrupt()
    {
        CpuState* s = _state;
        if (HasNmi && !NmiBlocked)
        {
            Interlocked.Decrement(ref _nmis);
            Activity = VcpuActivity.Running;
            NmiBlocked = true;
            Delivery.Interrupt(this, (byte)Vector.Nmi);
            return true;
        }
        s->InterruptWaiting = (byte)((s->SystemFlags & Flags.If) == 0 ? 1 : 0);
        if (s->InterruptWaiting != 0) return false;
        int vector = Apic.TakeInterrupt();
        if (vector < 0) vector = _guest.TakeExternalInterrupt(this);
        if (vector < 0) return false;
        Activity = VcpuActivity.Running;
        Delivery.Interrupt(this, (byte)vector);
        return true;
    }

    /// <summary>Blocks until one of the events is posted.</summary>
    private void Wait(int events)
    {
        LeaveGuest();
        long since = PollWindow.Now;
        while ((Volatile.Read(ref _state->Events) & events) == 0)
        {
            if (_poll.LooksAgain(since)) continue;
            lock (_waitGate)
            {
                Volatile.Write(ref _waiting, 1);
                Interlocked.MemoryBarrier();
                if ((Volatile.Read(ref _state->Events) & events) == 0) Monitor.Wait(_waitGate);
                Volatile.Write(ref _waiting, 0);
            }
        }
        _poll.Ended(since);
        EnterGuest();
    }

    private enum Outcome
    {
        Continue,
        Packet,
        Canceled,
    }
}

/// <summary>What holds interrupts off for one instruction: values of <see cref="CpuState.InterruptShadow"/>.</summary>
internal static class Shadow
{
    public const byte None = 0, Sti = 1, MovSs = 2;
}
