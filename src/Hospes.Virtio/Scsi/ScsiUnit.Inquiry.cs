using System.Buffers.Binary;
using System.Text;

namespace Hospes.Virtio;

/// <summary>What a unit tells of itself (SPC-4, INQUIRY and its pages of vital product data).</summary>
internal abstract partial class ScsiUnit
{
    protected const byte SupportedPages = 0x00, SerialPage = 0x80, IdentificationPage = 0x83;

    /// <summary>Bytes in front of a page of vital product data.</summary>
    protected const int PageHeader = 4;

    private const int StandardSize = 36, LongestPage = 256;
    private const string Vendor = "HOSPES  ", Revision = "1.0 ";

    /// <summary>Peripheral device type: 0 for a disk, 5 for a CD-ROM drive.</summary>
    protected abstract byte DeviceType { get; }

    /// <summary>What it is, in up to 16 letters.</summary>
    protected abstract string Product { get; }

    /// <summary>Pages of vital product data beside those that all units have, sorted.</summary>
    protected virtual ReadOnlySpan<byte> OwnPages => [];

    /// <summary>Writes what is behind a page's header.</summary>
    /// <param name="page">One of <see cref="OwnPages"/>.</param>
    /// <param name="to">Where to, zeros.</param>
    /// <returns>How many bytes that is.</returns>
    protected virtual int WritePage(byte page, Span<byte> to) => 0;

    private ScsiAnswer Inquire(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const byte VitalData = 1;
        uint wanted = BinaryPrimitives.ReadUInt16BigEndian(cdb[3..]);
        byte page = cdb[2];
        Span<byte> bytes = stackalloc byte[LongestPage];
        bytes.Clear();
        bytes[0] = DeviceType;
        if ((cdb[1] & VitalData) == 0)
        {
            if (page != 0) return Sense.InvalidField;
            WriteStandard(bytes);
            return Give(data, bytes[..StandardSize], wanted);
        }
        bytes[1] = page;
        int length = WriteVitalData(page, bytes[PageHeader..]);
        if (length < 0) return Sense.InvalidField;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)length);
        return Give(data, bytes[..(PageHeader + length)], wanted);
    }

    private void WriteStandard(Span<byte> bytes)
    {
        const byte Removable = 0x80, Version = 5, HierarchicalAddresses = 0x10, Format = 2, CommandQueues = 2;
        bytes[1] = Settings.Tray is null ? (byte)0 : Removable;
        (bytes[2], bytes[3], bytes[4], bytes[7]) = (Version, HierarchicalAddresses | Format, StandardSize - 5, CommandQueues);
        Encoding.ASCII.GetBytes(Vendor, bytes[8..]);
        Encoding.ASCII.GetBytes(Product.PadRight(16), bytes[16..]);
        Encoding.ASCII.GetBytes(Revision, bytes[32..]);
    }

    /// <summary>Writes a page of vital product data.</summary>
    /// <returns>Its bytes; less than 0 when there is none of that number.</returns>
    private int WriteVitalData(byte page, Span<byte> to)
    {
        bool hasSerial = Settings.Serial.Length > 0;
        switch (page)
        {
            case SupportedPages:
                int count = 0;
                to[count++] = SupportedPages;
                if (hasSerial) to[count++] = SerialPage;
                to[count++] = IdentificationPage;
                foreach (byte own in OwnPages) to[count++] = own;
                return count;
            case SerialPage when hasSerial:
                return Encoding.ASCII.GetBytes(Settings.Serial, to);
            case IdentificationPage:
                return hasSerial ? WriteIdentification(to) : 0;
            default:
                return OwnPages.Contains(page) ? WritePage(page, to) : -1;
        }
    }

    /// <summary>One designator: ASCII, that begins with the vendor.</summary>
    private int WriteIdentification(Span<byte> to)
    {
        const byte Ascii = 2, ByVendor = 1;
        int length = Encoding.ASCII.GetBytes(Vendor, to[PageHeader..]);
        length += Encoding.ASCII.GetBytes(Settings.Serial, to[(PageHeader + length)..]);
        (to[0], to[1], to[3]) = (Ascii, ByVendor, (byte)length);
        return PageHeader + length;
    }
}
