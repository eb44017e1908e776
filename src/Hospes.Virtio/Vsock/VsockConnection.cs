namespace Hospes.Virtio;

/// <summary>Whose turn it is in a connection's making.</summary>
internal enum VsockState
{
    /// <summary>The host's end is being connected, at the guest's wish.</summary>
    Connecting,

    /// <summary>The guest was asked.</summary>
    Asked,

    /// <summary>Both ends are there.</summary>
    Open,

    /// <summary>The guest knows it no more; what it sent is still on its way to the host's end.</summary>
    Draining,

    /// <summary>It is over.</summary>
    Closed,
}

/// <summary>
/// One connection with its credit (virtio 1.2, 5.10.6.3): neither side sends more than the other has room for. Guarded by the device's lock;
/// the two loops run on the thread pool, and what they copy through is theirs.
/// </summary>
internal sealed class VsockConnection(uint hostPort, uint guestPort)
{
    /// <summary>How many bytes from the guest wait for the host's end at most: what the guest is told as this side's room.</summary>
    public const int Room = 64 << 10;

    private const int Chunk = 16 << 10;

    private readonly byte[] _waiting = new byte[Room];
    private int _first, _count;
    private uint _peerRoom, _peerForwarded, _sent, _forwarded, _told;

    public uint HostPort => hostPort;

    public uint GuestPort => guestPort;

    public VsockState State { get; set; }

    /// <summary>The host's end, once it is there.</summary>
    public IVsockChannel? Channel { get; set; }

    /// <summary>What was read from the host's end and waits for the guest: for the reading loop, and the device while <see cref="Pending"/> is set.</summary>
    public byte[] Incoming { get; } = new byte[Chunk];

    /// <summary>Where in <see cref="Incoming"/> the bytes for the guest are.</summary>
    public (int Start, int Length) Pending { get; set; }

    /// <summary>Whether something waits that the guest has room for.</summary>
    public bool HasData => State == VsockState.Open && Pending.Length > 0 && Credit > 0;

    /// <summary>Whether it stands in the device's row of those.</summary>
    public bool IsOffered { get; set; }

    /// <summary>Whether the guest sends no more.</summary>
    public bool GuestEnded { get; set; }

    /// <summary>Whether the guest takes no more.</summary>
    public bool GuestIsDeaf { get; set; }

    /// <summary>Releases the reading loop, which waits for room at the guest.</summary>
    public SemaphoreSlim ReadingGoesOn { get; } = new(0, 1);

    /// <summary>Releases the writing loop, which waits for data.</summary>
    public SemaphoreSlim WritingGoesOn { get; } = new(0, 1);

    /// <summary>How many bytes the guest has room for.</summary>
    public uint Credit
    {
        get
        {
            uint underway = _sent - _peerForwarded;
            return underway < _peerRoom ? _peerRoom - underway : 0;
        }
    }

    /// <summary>This side's account, which goes into every header.</summary>
    public (uint Allocated, uint Forwarded) Account()
    {
        _told = _forwarded;
        return (Room, _forwarded);
    }

    /// <summary>Whether the guest should hear of room that it does not know of.</summary>
    public bool HasNews => _forwarded - _told >= Room / 2;

    /// <summary>The guest told its account.</summary>
    public void Hear(uint allocated, uint forwarded)
    {
        (_peerRoom, _peerForwarded) = (allocated, forwarded);
        if (Credit > 0) Release(ReadingGoesOn);
    }

    /// <summary>Bytes went to the guest.</summary>
    public void Sent(int count)
    {
        _sent += (uint)count;
        Pending = (Pending.Start + count, Pending.Length - count);
        if (Pending.Length == 0) Release(ReadingGoesOn);
    }

    /// <summary>Room for bytes from the guest.</summary>
    public int Free => Room - _count;

    /// <summary>Whether bytes from the guest wait.</summary>
    public bool HasWaiting => _count > 0;

    /// <summary>Takes bytes from the guest; there is room.</summary>
    public void Put(ReadOnlySpan<byte> bytes)
    {
        int at = (_first + _count) % Room, straight = Math.Min(bytes.Length, Room - at);
        bytes[..straight].CopyTo(_waiting.AsSpan(at));
        bytes[straight..].CopyTo(_waiting);
        _count += bytes.Length;
        Release(WritingGoesOn);
    }

    /// <summary>Puts bytes for the host's end that are not the guest's: they are in no account.</summary>
    public void PutOwn(ReadOnlySpan<byte> bytes)
    {
        _forwarded -= (uint)bytes.Length;
        _told = _forwarded;
        Put(bytes);
    }

    /// <summary>The bytes that wait, as far as they lie together. The device puts nothing there before <see cref="Wrote"/>.</summary>
    public ReadOnlyMemory<byte> Waiting => _waiting.AsMemory(_first, Math.Min(_count, Room - _first));

    /// <summary>Bytes went to the host's end.</summary>
    public void Wrote(int count)
    {
        _first = (_first + count) % Room;
        _count -= count;
        _forwarded += (uint)count;
    }

    /// <summary>Lets both loops look again.</summary>
    public void ReleaseBoth()
    {
        Release(ReadingGoesOn);
        Release(WritingGoesOn);
    }

    private static void Release(SemaphoreSlim semaphore)
    {
        if (semaphore.CurrentCount == 0) semaphore.Release();
    }
}
