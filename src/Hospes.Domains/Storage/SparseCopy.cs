namespace Hospes.Domains.Storage;

/// <summary>Copies what is mostly zeros.</summary>
internal static class SparseCopy
{
    private const int Piece = 1 << 20, Page = 4096;

    /// <summary>Copies a stream to its end; pages of zeros become holes of the file.</summary>
    /// <param name="from">The stream.</param>
    /// <param name="to">The file.</param>
    /// <param name="copied">Is told how many bytes were copied each time.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async ValueTask CopyAsync(Stream from, FileStream to, Action<int> copied, CancellationToken cancellation)
    {
        byte[] buffer = new byte[Piece];
        for (int filled; (filled = await from.ReadAtLeastAsync(buffer, Piece, throwOnEndOfStream: false, cancellation).ConfigureAwait(false)) > 0;)
        {
            Write(to, buffer.AsSpan(0, filled));
            copied(filled);
        }
        to.SetLength(to.Position);
    }

    private static void Write(FileStream to, ReadOnlySpan<byte> bytes)
    {
        for (int at = 0; at < bytes.Length; at += Page)
        {
            ReadOnlySpan<byte> page = bytes[at..Math.Min(at + Page, bytes.Length)];
            if (page.ContainsAnyExcept((byte)0)) to.Write(page);
            else to.Seek(page.Length, SeekOrigin.Current);
        }
    }
}
