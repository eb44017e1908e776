using System.Runtime.InteropServices;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm;

/// <summary>The run loop: into the guest, and what it comes out for. Allocates nothing.</summary>
internal sealed unsafe partial class KvmVcpu
{
    private const uint EmulationFailed = 1, DeliveryFailed = 3;

    private Packet _packet;
    private PieceKind _pieces;
    private int _piecesLeft, _pieceAt;

    private enum PieceKind
    {
        Io,
        Mmio,
    }

    /// <inheritdoc/>
    public Status Run(out Packet packet)
    {
        packet = default;
        int managed = Environment.CurrentManagedThreadId;
        if (_managedThread != managed)
        {
            _managedThread = managed;
            _threadId = LibC.ThreadId();
        }
        Interlocked.Exchange(ref _thread, _threadId);
        try
        {
            while (true)
            {
                if (_piecesLeft > 0)
                {
                    NextPiece();
                    packet = _packet;
                    return Status.Ok;
                }
                if (!_exitHeld && !TryEnter(out Status status))
                {
                    if (status != Status.Ok) return status;
                    continue;
                }
                _exitHeld = false;
                Outcome outcome = HandleExit();
                if (outcome == Outcome.Fault) return Status.Internal;
                if (outcome == Outcome.Again) continue;
                packet = _packet;
                return Status.Ok;
            }
        }
        finally
        {
            Volatile.Write(ref _thread, 0);
        }
    }

    /// <inheritdoc/>
    public void CompleteRead(ulong value)
    {
        if (_packet.IsWrite || _packet.Size == 0) return;
        new ReadOnlySpan<byte>(&value, _packet.Size).CopyTo(new Span<byte>(PieceData(_pieceAt - _packet.Size), _packet.Size));
    }

    /// <summary>Runs guest code until the kernel has an exit. Otherwise <paramref name="status"/> says why to leave, or to try again with <see cref="Status.Ok"/>.</summary>
    private bool TryEnter(out Status status)
    {
        status = Status.Ok;
        if (Id == 0) OfferExternalInterrupt();
        if (LibC.Control(_file, KvmRequests.Run, 0) >= 0) return true;
        int error = Marshal.GetLastPInvokeError();
        if (error is not (LibC.Interrupted or LibC.TryAgain))
        {
            status = Status.Internal;
            return false;
        }
        Volatile.Write(ref _run->ImmediateExit, 0);
        if (Interlocked.Exchange(ref _kicked, 0) != 0) status = Status.Canceled;
        return false;
    }

    private Outcome HandleExit()
    {
        switch (_run->ExitReason)
        {
            case KvmExit.Io:
                _pieces = PieceKind.Io;
                _piecesLeft = (int)_run->IoCount * _run->IoSize;
                _pieceAt = 0;
                NextPiece();
                return Outcome.Packet;
            case KvmExit.Mmio:
                return HandleMmio();
            case KvmExit.EndOfInterrupt:
                _packet = new Packet { Kind = PacketKind.EndOfInterrupt, Address = _run->EndedVector, IsWrite = true };
                return Outcome.Packet;
            case KvmExit.Shutdown:
                return ShutDown();
            case KvmExit.DirtyRingFull:
                _guest.CollectRings();
                return Outcome.Again;
            // The kernel could not emulate an instruction and has queued an invalid opcode for the guest, which goes on with that.
            case KvmExit.InternalError when _run->SubError == EmulationFailed:
                return Outcome.Again;
            // An exception's delivery touched something that is no memory. A processor would read all ones there and end in a triple fault.
            case KvmExit.InternalError when _run->SubError == DeliveryFailed:
                return ShutDown();
            case KvmExit.WindowOpen or KvmExit.Interrupted or KvmExit.Halt:
                return Outcome.Again;
            default:
                return Outcome.Fault;
        }
    }

    private Outcome HandleMmio()
    {
        ulong address = _run->MmioAddress;
        int size = (int)_run->MmioLength;
        Trap? trap = _guest.Traps.FindMemory(address);
        if (trap is { Kind: TrapKind.Bell } && _run->MmioIsWrite != 0)
        {
            _guest.Bells.Ring(trap, address, size);
            return Outcome.Again;
        }
        // RAM that was no slot for a moment, because a trap was being added beside it.
        if (trap is null && _guest.Memory.Find(address) is not null && ServeByHand(address, size)) return Outcome.Again;
        _pieces = PieceKind.Mmio;
        _piecesLeft = size;
        _pieceAt = 0;
        NextPiece();
        return Outcome.Packet;
    }

    private bool ServeByHand(ulong address, int size)
    {
        var data = new Span<byte>(_run->MmioData, size);
        return _run->MmioIsWrite != 0 ? _guest.Memory.TryWrite(address, data) : _guest.Memory.TryRead(address, data);
    }

    private Outcome ShutDown()
    {
        // From here on only INIT wakes the processor, as one that was never started.
        uint activity = State.ActivityNumbers.Uninitialized;
        _ = Control(KvmRequests.SetActivity, &activity);
        _shutDown = true;
        _packet = new Packet { Kind = PacketKind.Shutdown, IsWrite = true };
        return Outcome.Packet;
    }

    /// <summary>Makes the next packet of an exit: one for each element of a string instruction, and for each part of an access whose width is no power of two.</summary>
    private void NextPiece()
    {
        bool io = _pieces == PieceKind.Io;
        ulong address = io ? _run->IoPort : _run->MmioAddress + (ulong)_pieceAt;
        int size = io ? _run->IoSize : PieceSize(address, _piecesLeft);
        bool write = io ? _run->IoIsOut != 0 : _run->MmioIsWrite != 0;
        ulong data = 0;
        if (write) new ReadOnlySpan<byte>(PieceData(_pieceAt), size).CopyTo(new Span<byte>(&data, sizeof(ulong)));
        Trap? trap = io ? _guest.Traps.FindPort((ushort)address) : _guest.Traps.FindMemory(address);
        _packet = new Packet
        {
            Kind = io ? PacketKind.Io : PacketKind.Memory,
            Address = address,
            Size = size,
            IsWrite = write,
            Data = data,
            Key = trap?.Key ?? 0,
            IsTrapped = trap is not null,
        };
        _pieceAt += size;
        _piecesLeft -= size;
    }

    /// <summary>The whole of an access of 1, 2, 4 or 8 bytes; of others the largest aligned part.</summary>
    private static int PieceSize(ulong address, int left)
    {
        if (left is 1 or 2 or 4 or 8) return left;
        int size = 4;
        while (size > left || (address & (uint)(size - 1)) != 0) size /= 2;
        return size;
    }

    private byte* PieceData(int at) => _pieces == PieceKind.Io ? (byte*)_run + _run->IoOffset + at : _run->MmioData + at;

    /// <summary>Brings an 8259's interrupt in, or asks for the moment at which it can be.</summary>
    private void OfferExternalInterrupt()
    {
        if (!_guest.ExternalAsserted)
        {
            _run->RequestWindow = 0;
            return;
        }
        if (_run->ReadyForInterrupt == 0)
        {
            _run->RequestWindow = 1;
            return;
        }
        uint vector = _guest.Acknowledge();
        _run->RequestWindow = 0;
        _ = Control(KvmRequests.Interrupt, &vector);
    }

    private enum Outcome
    {
        Packet,
        Again,
        Fault,
    }
}
