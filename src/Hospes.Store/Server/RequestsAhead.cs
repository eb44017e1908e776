using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Server;

/// <summary>Looks through requests that wait in a connection's buffer, so that the nodes they name are at hand when they are carried out.</summary>
internal static class RequestsAhead
{
    /// <summary>Prepares the next requests.</summary>
    /// <param name="lookups">The lookups of the tree.</param>
    /// <param name="bytes">What was received; a request that is not whole, or not well formed, ends the preparation.</param>
    /// <param name="from">Where the first request that is not yet prepared begins.</param>
    /// <returns>Where the first request begins that is still not prepared.</returns>
    public static int Prepare(LookupAhead lookups, ReadOnlySpan<byte> bytes, int from)
    {
        int at = from;
        while (!lookups.IsFull && bytes.Length - at >= XsWire.HeaderSize)
        {
            XsHeader header = XsHeader.Read(bytes[at..]);
            int start = at + XsWire.HeaderSize;
            if (header.Length > (uint)(bytes.Length - start)) break;
            at = start + (int)header.Length;
            if (!NamesNode(header.Type)) continue;
            int length = bytes[start..at].IndexOf((byte)0);
            if (length > 1 && bytes[start] == (byte)'/') lookups.Add(bytes, start, length);
        }
        lookups.Run(bytes);
        return at;
    }

    private static bool NamesNode(uint type) => (XsMessageType)type is XsMessageType.Read or XsMessageType.Write or XsMessageType.Directory
        or XsMessageType.DirectoryPart or XsMessageType.GetPermissions or XsMessageType.SetPermissions or XsMessageType.MakeDirectory or XsMessageType.Remove;
}
