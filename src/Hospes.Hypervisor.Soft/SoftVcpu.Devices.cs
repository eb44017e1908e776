using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft;

/// <summary>Accesses that leave the processor, and the fence between processors over code pages.</summary>
internal sealed unsafe partial class SoftVcpu
{
    private readonly DeviceExit _leaveForDevice = new();
    private readonly BlockRestart _restartBlock = new();

    private readonly ReplayLog _replay = new();
    private readonly Interrupts.VectorSet _ended = new();
    private Packet _packet;
    private bool _hasPacket;
    private bool _alone;
    private int _inputSize;
    private int _drops;

    /// <inheritdoc/>
    public bool IsDevicePage(ulong physicalPage) => Apic.OwnsPage(physicalPage);

    /// <inheritdoc/>
    public ulong Read(ulong physical, int size)
    {
        if (Apic.OwnsPage(physical & TlbEntry.PageMask)) return Apic.ReadPage((uint)(physical & 0xFFF), size);
        if (_delivering) return ulong.MaxValue;
        if (_replay.TryNext(_state->General[VcpuState.Rcx], out ulong value)) return value;
        Leave(PacketKind.Memory, physical, size, write: false, 0, _guest.Map.FindTrap(physical));
        throw _leaveForDevice;
    }

    /// <inheritdoc/>
    public void Write(ulong physical, int size, ulong value)
    {
        if (Apic.OwnsPage(physical & TlbEntry.PageMask))
        {
            Apic.WritePage((uint)(physical & 0xFFF), size, value);
            return;
        }
        if (_delivering) return;
        Trap? trap = _guest.Map.FindTrap(physical);
        if (trap is { Kind: TrapKind.Bell })
        {
            // Asynchronous: the port's reader takes it from here, and the instruction goes on.
            trap.Ring(physical);
            return;
        }
        if (_replay.TryNext(_state->General[VcpuState.Rcx], out _)) return;
        Leave(PacketKind.Memory, physical, size, write: true, value, trap);
        _replay.Add(_state->General[VcpuState.Rcx], 0);
        throw _leaveForDevice;
    }

    /// <inheritdoc/>
    public void BeforeCodeWrite(ulong physical, int size)
    {
        Op* op = _state->CurrentOp;
        if (_alone || op == null) return;
        // The running block is hit when the written page is one that its bytes lie in; the linear address is compared by page content.
        ulong linear = (_state->Mode & Cpu.Mode.Code64) != 0 ? _state->BlockRip : (uint)(_state->Cs.Base + _state->BlockRip);
        if (!Mmu.TryFetchHit(linear, out byte* code)) throw _restartBlock;
        byte* written = _guest.Map.Locate(physical, out _);
        if (written + size > code && written < code + BlockDecoder.MaxOps * 15) throw _restartBlock;
    }

    /// <summary>IN: leaves for the machine, and the answer goes to AL, AX or EAX.</summary>
    public void Input(ushort port, int size)
    {
        _inputSize = size;
        Leave(PacketKind.Io, port, size, write: false, 0, _guest.FindPort(port));
        LookAfterBlock();
    }

    /// <summary>OUT: the machine takes it after this instruction.</summary>
    public void Output(ushort port, int size, uint value)
    {
        Leave(PacketKind.Io, port, size, write: true, value, _guest.FindPort(port));
        LookAfterBlock();
    }

    /// <summary>INS and OUTS: as an access to a device, replayed when the instruction is run again.</summary>
    public uint ReplayedInput(ushort port, int size)
    {
        if (_replay.TryNext(_state->General[VcpuState.Rcx], out ulong value)) return (uint)value;
        Leave(PacketKind.Io, port, size, write: false, 0, _guest.FindPort(port));
        throw _leaveForDevice;
    }

    /// <summary>See <see cref="ReplayedInput"/>.</summary>
    public void ReplayedOutput(ushort port, int size, uint value)
    {
        if (_replay.TryNext(_state->General[VcpuState.Rcx], out _)) return;
        Leave(PacketKind.Io, port, size, write: true, value, _guest.FindPort(port));
        _replay.Add(_state->General[VcpuState.Rcx], 0);
        throw _leaveForDevice;
    }

    /// <summary>The state was replaced: no access waits for an answer any more.</summary>
    public void ForgetAccesses()
    {
        _replay.Clear();
        _hasPacket = false;
        _inputSize = 0;
    }

    /// <inheritdoc/>
    public void CompleteRead(ulong value)
    {
        if (_packet.IsWrite) return;
        if (_packet.Size < 8) value &= (1UL << (_packet.Size * 8)) - 1;
        if (_inputSize == 0)
        {
            _replay.Add(_state->General[VcpuState.Rcx], value);
            return;
        }
        ulong* rax = &_state->General[VcpuState.Rax];
        switch (_inputSize)
        {
            case 1: *(byte*)rax = (byte)value; break;
            case 2: *(ushort*)rax = (ushort)value; break;
            default: *rax = (uint)value; break;
        }
        _inputSize = 0;
    }

    /// <summary>The processor shut down: the machine is told, and only INIT wakes it.</summary>
    public void Shutdown()
    {
        Activity = VcpuActivity.Shutdown;
        Leave(PacketKind.Shutdown, 0, 0, write: true, 0, null);
        LookAfterBlock();
    }

    /// <summary>A level-triggered interrupt ended: the machine is told between two blocks, once no access waits.</summary>
    public void NoteEndOfInterrupt(byte vector)
    {
        _ended.Set(vector);
        LookAfterBlock();
    }

    /// <inheritdoc/>
    public void OtherProcessorsDropWritableTranslations()
    {
        // While this one waits it executes nothing, so that two processors that fence at once don't wait for each other.
        LeaveGuest();
        _guest.DropTranslationsOfOthers(this);
        EnterGuest();
    }

    /// <summary>Whether the processor executes no guest code and will drop its translations before it does, if asked.</summary>
    public bool IsOutside => Volatile.Read(ref _outside) != 0;

    /// <summary>How often translations were dropped on request.</summary>
    public int TranslationDrops => Volatile.Read(ref _drops);

    private void DropTranslations()
    {
        Mmu.DirtyLogging = _guest.DirtyLogging;
        Mmu.Flush();
        Interlocked.Increment(ref _drops);
    }

    private void LeaveGuest() => Interlocked.Exchange(ref _outside, 1);

    /// <summary>Back to guest code: translations that were to be dropped meanwhile are dropped first.</summary>
    private void EnterGuest()
    {
        Interlocked.Exchange(ref _outside, 0);
        if ((Interlocked.And(ref _state->Events, ~CpuEvents.FlushTlb) & CpuEvents.FlushTlb) != 0) DropTranslations();
    }

    private void Leave(PacketKind kind, ulong address, int size, bool write, ulong data, Trap? trap)
    {
        if (kind == PacketKind.Memory) _inputSize = 0;
        _packet = new Packet
        {
            Kind = kind,
            Address = address,
            Size = size,
            IsWrite = write,
            Data = data,
            Key = trap?.Key ?? 0,
            IsTrapped = trap is not null,
        };
        _hasPacket = true;
    }
}
