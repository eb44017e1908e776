using System.Buffers.Binary;
using System.Text;

namespace Hospes.Storage.Iso;

/// <summary>A file of an ISO 9660 volume.</summary>
/// <param name="Name">Its name: 1 to 64 letters of printing ASCII without <c>/</c>, <c>;</c> and <c>*</c>, <c>?</c>, <c>:</c>, <c>\</c>.</param>
/// <param name="Content">Its bytes.</param>
public sealed record IsoFile(string Name, ReadOnlyMemory<byte> Content);

/// <summary>
/// Writes small ISO 9660 volumes (ECMA-119) of one folder. Names stand twice: in the basic form, in which a small letter or a hyphen
/// has no place, and as Joliet has them, which is what readers take where both are.
/// </summary>
public static class IsoImage
{
    /// <summary>A sector of the volume, and what its files are padded to.</summary>
    private const int SectorSize = 2048;

    private const int PrimarySector = 16, JolietSector = 17, TerminatorSector = 18, FirstPathTable = 19, PrimaryFolder = 23, JolietFolder = 24, FirstFile = 25;

    /// <summary>The length of a folder's record without its name (ECMA-119, 9.1).</summary>
    private const int RecordSize = 33;

    private const int PathTableSize = 10;

    private const byte FolderFlag = 2;

    /// <summary>Makes a volume.</summary>
    /// <param name="label">Its label: up to 16 letters, which is what Joliet has room for.</param>
    /// <param name="files">Its files.</param>
    /// <param name="made">When it was made.</param>
    /// <returns>Its bytes.</returns>
    /// <exception cref="ArgumentException">A label or name that the format cannot hold, or more files than one sector describes.</exception>
    public static byte[] Create(string label, IReadOnlyList<IsoFile> files, DateTimeOffset made)
    {
        if (label.Length > 16 || !Ascii.IsValid(label)) throw new ArgumentException("the label is too long, or no ASCII", nameof(label));
        if (files.Any(static file => file.Name.Length is 0 or > 64 || file.Name.Any(static letter => letter is < ' ' or > '~' or '/' or ';' or '*' or '?' or ':' or '\\')))
            throw new ArgumentException("a name is empty, too long, or has a letter that is not allowed", nameof(files));
        int sectors = FirstFile + files.Sum(static file => Sectors(file.Content.Length));
        byte[] image = new byte[sectors * SectorSize];
        // Names in order, as readers may expect them (9.3).
        IsoFile[] sorted = [.. files.OrderBy(static file => file.Name, StringComparer.Ordinal)];
        int[] places = Place(image, sorted);
        Describe(image, PrimarySector, PrimaryFolder, sectors, label, joliet: false, made);
        Describe(image, JolietSector, JolietFolder, sectors, label, joliet: true, made);
        Header(image.AsSpan(TerminatorSector * SectorSize), 255);
        Folder(image, PrimaryFolder, sorted, places, joliet: false, made);
        Folder(image, JolietFolder, sorted, places, joliet: true, made);
        return image;
    }

    private static int Sectors(int length) => (length + SectorSize - 1) / SectorSize;

    private static int[] Place(byte[] image, IsoFile[] files)
    {
        int[] places = new int[files.Length];
        int sector = FirstFile;
        for (int i = 0; i < files.Length; i++)
        {
            places[i] = sector;
            files[i].Content.Span.CopyTo(image.AsSpan(sector * SectorSize));
            sector += Sectors(files[i].Content.Length);
        }

        return places;
    }

    private static void Header(Span<byte> descriptor, byte type)
    {
        descriptor[0] = type;
        "CD001"u8.CopyTo(descriptor[1..]);
        descriptor[6] = 1;
    }

    /// <summary>Writes a volume descriptor (8.4; that of Joliet is 8.5 with its escape sequence) and its path tables.</summary>
    private static void Describe(byte[] image, int at, int folder, int sectors, string label, bool joliet, DateTimeOffset made)
    {
        Span<byte> descriptor = image.AsSpan(at * SectorSize, SectorSize);
        Header(descriptor, (byte)(joliet ? 2 : 1));
        if (joliet) "%/E"u8.CopyTo(descriptor[88..]);
        // System, volume, set, publisher, preparer, application, copyright, abstract and bibliography: blanks where nothing is said.
        foreach ((int start, int length) in (ReadOnlySpan<(int, int)>)[(8, 32), (40, 32), (190, 128), (318, 128), (446, 128), (574, 128), (702, 37), (739, 37), (776, 37)]) Text(descriptor.Slice(start, length), "", joliet);
        Text(descriptor.Slice(40, 32), label, joliet);
        Both32(descriptor[80..], (uint)sectors);
        Both16(descriptor[120..], 1);
        Both16(descriptor[124..], 1);
        Both16(descriptor[128..], SectorSize);
        Both32(descriptor[132..], PathTableSize);
        int tables = joliet ? FirstPathTable + 2 : FirstPathTable;
        BinaryPrimitives.WriteUInt32LittleEndian(descriptor[140..], (uint)tables);
        BinaryPrimitives.WriteUInt32BigEndian(descriptor[148..], (uint)tables + 1);
        Record(descriptor[156..], [0], folder, SectorSize, FolderFlag, made);
        foreach (int start in (ReadOnlySpan<int>)[813, 830, 847, 864]) LongTime(descriptor.Slice(start, 17), start is 813 or 830 ? made : null);
        descriptor[881] = 1;
        for (int i = 0; i < 2; i++)
        {
            // One record: the root, whose parent is itself (9.4).
            Span<byte> table = image.AsSpan((tables + i) * SectorSize);
            table[0] = 1;
            if (i == 0) BinaryPrimitives.WriteUInt32LittleEndian(table[2..], (uint)folder);
            else BinaryPrimitives.WriteUInt32BigEndian(table[2..], (uint)folder);
            table[i == 0 ? 6 : 7] = 1;
        }
    }

    private static void Folder(byte[] image, int at, IsoFile[] files, int[] places, bool joliet, DateTimeOffset made)
    {
        Span<byte> sector = image.AsSpan(at * SectorSize, SectorSize);
        int used = Record(sector, [0], at, SectorSize, FolderFlag, made);
        used += Record(sector[used..], [1], at, SectorSize, FolderFlag, made);
        for (int i = 0; i < files.Length; i++)
        {
            byte[] name = joliet ? Encoding.BigEndianUnicode.GetBytes(files[i].Name) : Encoding.ASCII.GetBytes(BasicName(files[i].Name));
            if (used + RecordSize + name.Length + 1 > SectorSize) throw new ArgumentException("more files than one sector describes", nameof(files));
            used += Record(sector[used..], name, places[i], files[i].Content.Length, 0, made);
        }
    }

    /// <summary>A name of capital letters, digits and underscores, with a dot before its ending and its version (7.5).</summary>
    private static string BasicName(string name)
    {
        int dot = name.LastIndexOf('.');
        string front = Basic(dot < 0 ? name : name[..dot]), ending = dot < 0 ? "" : Basic(name[(dot + 1)..]);
        return $"{front[..Math.Min(front.Length, 26)]}.{ending[..Math.Min(ending.Length, 3)]};1";

        static string Basic(string text) => string.Concat(text.Select(static letter => char.IsAsciiLetterOrDigit(letter) ? char.ToUpperInvariant(letter) : '_'));
    }

    /// <summary>Writes a folder's record (9.1) and gives its length.</summary>
    private static int Record(Span<byte> record, ReadOnlySpan<byte> name, int sector, int length, byte flags, DateTimeOffset made)
    {
        int size = (RecordSize + name.Length + 1) & ~1;
        record[0] = (byte)size;
        Both32(record[2..], (uint)sector);
        Both32(record[10..], (uint)length);
        DateTime utc = made.UtcDateTime;
        ((ReadOnlySpan<byte>)[(byte)(utc.Year - 1900), (byte)utc.Month, (byte)utc.Day, (byte)utc.Hour, (byte)utc.Minute, (byte)utc.Second]).CopyTo(record[18..]);
        record[25] = flags;
        Both16(record[28..], 1);
        record[32] = (byte)name.Length;
        name.CopyTo(record[RecordSize..]);
        return size;
    }

    private static void Text(Span<byte> field, string text, bool joliet)
    {
        if (!joliet)
        {
            Encoding.ASCII.GetBytes(text.PadRight(field.Length), field);
            return;
        }

        // A field of an odd length has one byte that belongs to no letter.
        field.Clear();
        Encoding.BigEndianUnicode.GetBytes(text.PadRight(field.Length / 2), field);
    }

    /// <summary>A time in digits (8.4.26.1); zeros where there is none.</summary>
    private static void LongTime(Span<byte> field, DateTimeOffset? time)
    {
        string digits = time is { } at ? at.UtcDateTime.ToString("yyyyMMddHHmmssff", System.Globalization.CultureInfo.InvariantCulture) : new string('0', 16);
        Encoding.ASCII.GetBytes(digits, field);
    }

    private static void Both16(Span<byte> field, ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(field, value);
        BinaryPrimitives.WriteUInt16BigEndian(field[2..], value);
    }

    private static void Both32(Span<byte> field, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(field, value);
        BinaryPrimitives.WriteUInt32BigEndian(field[4..], value);
    }
}
