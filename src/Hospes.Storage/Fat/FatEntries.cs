using System.Text;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Fat;

/// <summary>One file or folder of a folder.</summary>
/// <param name="Name">Its long name, or its short one.</param>
/// <param name="IsDirectory">Whether it is a folder.</param>
/// <param name="Cluster">Where its content begins; 0 for none.</param>
/// <param name="Length">In bytes; 0 for a folder.</param>
internal readonly record struct FatEntry(string Name, bool IsDirectory, uint Cluster, uint Length);

/// <summary>Reads the entries of a folder with their long names (FAT specification, "FAT Long Directory Entries").</summary>
internal static class FatEntries
{
    private const byte Deleted = 0xE5, EscapedE5 = 0x05, LabelFlag = 0x08, FolderFlag = 0x10, LongName = 0x0F, LastOfName = 0x40;

    private const int LettersPerEntry = 13, MaxParts = 20;

    /// <summary>Bits of the reserved byte by which Windows and Linux note that a short name is in small letters.</summary>
    private const byte SmallName = 0x08, SmallEnding = 0x10;

    /// <summary>Reads all entries.</summary>
    /// <param name="content">The folder's bytes.</param>
    /// <param name="wide">Whether cluster numbers have 32 bits.</param>
    /// <param name="budget">What holding the names costs.</param>
    /// <param name="entries">The entries without <c>.</c> and <c>..</c>.</param>
    public static VolumeError Read(ReadOnlySpan<byte> content, bool wide, ReadBudget budget, out List<FatEntry> entries)
    {
        entries = [];
        Span<char> letters = stackalloc char[LettersPerEntry * MaxParts];
        int parts = 0;
        byte sum = 0;
        for (int at = 0; at + FatGeometry.EntrySize <= content.Length && content[at] != 0; at += FatGeometry.EntrySize)
        {
            ReadOnlySpan<byte> entry = content.Slice(at, FatGeometry.EntrySize);
            if (entry[0] == Deleted)
            {
                parts = 0;
            }
            else if ((entry[11] & 0x3F) == LongName)
            {
                parts = TakePart(entry, letters, parts, ref sum);
            }
            else
            {
                string name = parts > 0 && sum == Checksum(entry) ? new string(letters[..(parts * LettersPerEntry)]) : ShortName(entry);
                int end = name.IndexOf('\0');
                if (end >= 0) name = name[..end];
                parts = 0;
                if ((entry[11] & LabelFlag) != 0 || name is "." or ".." || name.Length == 0) continue;
                if (!budget.TryHold(FatGeometry.EntrySize + 2 * name.Length)) return VolumeError.OverBudget;
                uint cluster = entry.U16(26) | (wide ? (uint)entry.U16(20) << 16 : 0);
                entries.Add(new FatEntry(name, (entry[11] & FolderFlag) != 0, cluster, entry.U32(28)));
            }
        }

        return VolumeError.None;
    }

    /// <summary>Takes a part of a long name; they come last part first. Gives how many parts the name has, 0 when they do not follow each other.</summary>
    private static int TakePart(ReadOnlySpan<byte> entry, Span<char> letters, int parts, ref byte sum)
    {
        int number = entry[0] & 0x3F;
        if (number is 0 or > MaxParts) return 0;
        if ((entry[0] & LastOfName) != 0)
        {
            parts = number;
            sum = entry[13];
            letters.Clear();
        }
        else if (number >= parts || sum != entry[13])
        {
            return 0;
        }

        Span<char> part = letters.Slice((number - 1) * LettersPerEntry, LettersPerEntry);
        for (int i = 0; i < LettersPerEntry; i++)
        {
            char letter = (char)entry.U16(i < 5 ? 1 + i * 2 : i < 11 ? 14 + (i - 5) * 2 : 28 + (i - 11) * 2);
            part[i] = letter == '\uFFFF' ? '\0' : letter;
        }

        return parts;
    }

    private static byte Checksum(ReadOnlySpan<byte> entry)
    {
        byte sum = 0;
        foreach (byte letter in entry[..11]) sum = (byte)(((sum & 1) << 7) + (sum >> 1) + letter);
        return sum;
    }

    private static string ShortName(ReadOnlySpan<byte> entry)
    {
        string name = Encoding.Latin1.GetString(entry[..8]).TrimEnd(), ending = Encoding.Latin1.GetString(entry[8..11]).TrimEnd();
        if (name.Length > 0 && name[0] == EscapedE5) name = (char)Deleted + name[1..];
        if ((entry[12] & SmallName) != 0) name = name.ToLowerInvariant();
        if ((entry[12] & SmallEnding) != 0) ending = ending.ToLowerInvariant();
        return ending.Length == 0 ? name : $"{name}.{ending}";
    }
}
