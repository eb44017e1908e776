namespace Hospes.Store.Rings;

/// <summary>The page that the store and a guest share (xenstore-ring.txt).</summary>
public static class RingLayout
{
    /// <summary>Bytes of the page.</summary>
    public const int PageSize = 4096;

    /// <summary>Bytes of each of the two circular buffers.</summary>
    public const int RingSize = 1024;

    /// <summary>Data from the guest.</summary>
    public const int Requests = 0;

    /// <summary>Data to the guest.</summary>
    public const int Replies = 1024;

    /// <summary>How far the store has read; written by the store.</summary>
    public const int RequestConsumer = 2048;

    /// <summary>How far the guest has written.</summary>
    public const int RequestProducer = 2052;

    /// <summary>How far the guest has read.</summary>
    public const int ReplyConsumer = 2056;

    /// <summary>How far the store has written; written by the store.</summary>
    public const int ReplyProducer = 2060;

    /// <summary>Features that the store offers; written by the store.</summary>
    public const int Features = 2064;

    /// <summary>0 when connected; the guest sets 1 to have the connection begun anew, the store sets 0 when that is done.</summary>
    public const int Connection = 2068;

    /// <summary>Why the store gave the connection up; 0 while it is good.</summary>
    public const int Error = 2072;
}

/// <summary>Values of the error word (xenstore-ring.txt, "Connection error indicator").</summary>
public enum RingError : uint
{
    /// <summary>The connection is good.</summary>
    None = 0,
    /// <summary>The event channel does not work.</summary>
    Communication = 1,
    /// <summary>A producer or consumer offset makes no sense.</summary>
    Offset = 2,
    /// <summary>The guest announced a payload longer than the protocol allows.</summary>
    Protocol = 3,
}

/// <summary>
/// A guest's ring page as the store sees it. The guest writes to it at any time, so every read is a copy; 32-bit words are read and
/// written whole, and in the order of the calls as seen by the guest.
/// </summary>
public interface IRingPage
{
    /// <summary>Reads a word.</summary>
    /// <param name="offset">A multiple of 4 within the page.</param>
    uint ReadWord(int offset);

    /// <summary>Writes a word after everything written before.</summary>
    /// <param name="offset">A multiple of 4 within the page.</param>
    /// <param name="value">The word.</param>
    void WriteWord(int offset, uint value);

    /// <summary>Copies bytes out of the page.</summary>
    /// <param name="offset">Where they begin.</param>
    /// <param name="destination">Where they go.</param>
    void Read(int offset, Span<byte> destination);

    /// <summary>Copies bytes into the page.</summary>
    /// <param name="offset">Where they go.</param>
    /// <param name="source">The bytes.</param>
    void Write(int offset, ReadOnlySpan<byte> source);
}
