using System.Buffers.Text;

namespace Hospes.Store.Tree;

/// <summary>What one domain may do with a node.</summary>
[Flags]
public enum NodeAccess : byte
{
    /// <summary>Nothing ('n').</summary>
    None = 0,
    /// <summary>Read value, children and permissions ('r').</summary>
    Read = 1,
    /// <summary>Write and remove ('w').</summary>
    Write = 2,
    /// <summary>Both ('b').</summary>
    Both = Read | Write,
    /// <summary>Change the permissions; only the node's owner has it.</summary>
    Owner = 4,
}

/// <summary>One entry of a node's permissions.</summary>
/// <param name="Domain">The domain it is about; in the first entry the node's owner.</param>
/// <param name="Access">What that domain may do; in the first entry, what every domain without an entry of its own may do.</param>
/// <param name="Ignored">The domain did not exist when the entry was made, so the entry grants nothing.</param>
public readonly record struct NodePermission(ushort Domain, NodeAccess Access, bool Ignored = false)
{
    /// <summary>Longest text of one entry: a letter, five digits and the nul.</summary>
    internal const int TextMax = 7;

    /// <summary>The entry's letter on the wire.</summary>
    public char Letter => (Access & NodeAccess.Both) switch
    {
        NodeAccess.None => 'n',
        NodeAccess.Read => 'r',
        NodeAccess.Write => 'w',
        _ => 'b',
    };

    /// <summary>The entry as the wire has it: a letter and a domain id.</summary>
    public override string ToString() => $"{Letter}{Domain}";

    /// <summary>Reads an entry such as "r5".</summary>
    /// <param name="text">The entry without its nul.</param>
    /// <param name="permission">The entry read.</param>
    /// <returns>False when the text is not an entry.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out NodePermission permission)
    {
        permission = default;
        if (text.Length < 2 || !TryParseLetter(text[0], out NodeAccess access) || !Wire.StorePath.TryParseDomain(text[1..], out ushort domain)) return false;
        permission = new NodePermission(domain, access);
        return true;
    }

    internal static bool TryParseLetter(byte letter, out NodeAccess access)
    {
        (access, bool known) = letter switch
        {
            (byte)'n' => (NodeAccess.None, true),
            (byte)'r' => (NodeAccess.Read, true),
            (byte)'w' => (NodeAccess.Write, true),
            (byte)'b' => (NodeAccess.Both, true),
            _ => (NodeAccess.None, false),
        };
        return known;
    }

    /// <summary>Writes letter, number and nul; gives the bytes written.</summary>
    internal int Format(Span<byte> at)
    {
        at[0] = (byte)Letter;
        Utf8Formatter.TryFormat(Domain, at[1..], out int digits);
        at[1 + digits] = 0;
        return digits + 2;
    }
}
