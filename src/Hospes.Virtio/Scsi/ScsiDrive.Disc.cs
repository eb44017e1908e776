using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>What a drive tells of itself and of its disc (MMC-6).</summary>
internal sealed partial class ScsiDrive
{
    private const byte FirstTrack = 1, LeadOut = 0xAA, DataTrack = 0x14;

    /// <summary>As many sectors as a CD of 80 minutes has; what is larger is a DVD.</summary>
    private const ulong MostCdSectors = 80 * 60 * 75;

    private ushort Profile
    {
        get
        {
            const ushort CdRom = 8, DvdRom = 0x10;
            return NotReady is not null ? (ushort)0 : Blocks > MostCdSectors ? DvdRom : CdRom;
        }
    }

    /// <summary>GET EVENT STATUS NOTIFICATION: what happened to the medium, for those who ask again and again.</summary>
    private ScsiAnswer TellEvents(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const byte Polled = 1, NoEvents = 0x80, MediaClass = 4, Media = 1 << MediaClass, DoorOpen = 1, MediumPresent = 2;
        // There is no other way: nobody is told of himself.
        if ((cdb[1] & Polled) == 0) return Sense.InvalidField;
        Span<byte> events = stackalloc byte[8];
        events.Clear();
        bool asked = (cdb[4] & Media) != 0;
        int length = asked ? 8 : 4;
        BinaryPrimitives.WriteUInt16BigEndian(events, (ushort)(length - 2));
        (events[2], events[3]) = (asked ? MediaClass : NoEvents, Media);
        // What lies in an open tray is not there for the guest: Linux takes it for a disc that can be read otherwise.
        if (asked) (events[4], events[5]) = ((byte)tray.TakeEvent(), (byte)((tray.IsOpen ? DoorOpen : 0) | (NotReady is null ? MediumPresent : 0)));
        return Give(data, events[..length], WantedAt7(cdb));
    }

    /// <summary>GET CONFIGURATION: the profiles, and the features that a drive for reading has.</summary>
    private ScsiAnswer TellConfiguration(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const int Header = 8, OnlyCurrent = 1, OnlyOne = 2;
        ushort profile = Profile;
        byte hasMedium = (byte)(profile == 0 ? 0 : 1);
        // Code of two bytes, version and flags of which the lowest says that it is so now, length, content (MMC-6, 5.2).
        ReadOnlySpan<byte> features =
        [
            0x00, 0x00, 0x03, 8, 0x00, 0x10, (byte)(profile == 0x10 ? 1 : 0), 0, 0x00, 0x08, (byte)(profile == 8 ? 1 : 0), 0,
            0x00, 0x01, 0x0B, 8, 0, 0, 0, 1, 1, 0, 0, 0,
            0x00, 0x03, 0x03, 4, 0x29, 0, 0, 0,
            0x00, 0x10, hasMedium, 8, 0, 0, 0x08, 0, 0, 1, 0, 0,
            0x00, 0x1E, (byte)(profile == 8 ? 9 : 8), 4, 0, 0, 0, 0,
            0x00, 0x1F, (byte)(profile == 0x10 ? 5 : 4), 4, 0, 0, 0, 0,
        ];
        int kind = cdb[1] & 3;
        ushort from = BinaryPrimitives.ReadUInt16BigEndian(cdb[2..]);
        Span<byte> told = stackalloc byte[128];
        told.Clear();
        int length = Header;
        for (; !features.IsEmpty; features = features[(4 + features[3])..])
        {
            ushort code = BinaryPrimitives.ReadUInt16BigEndian(features);
            if (code < from || (kind == OnlyOne && code != from) || (kind == OnlyCurrent && (features[2] & 1) == 0)) continue;
            features[..(4 + features[3])].CopyTo(told[length..]);
            length += 4 + features[3];
        }
        BinaryPrimitives.WriteInt32BigEndian(told, length - 4);
        BinaryPrimitives.WriteUInt16BigEndian(told[6..], profile);
        return Give(data, told[..length], WantedAt7(cdb));
    }

    /// <summary>READ TOC: one track of data, from the first sector up to the lead-out.</summary>
    private ScsiAnswer TellContents(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const byte InTime = 2;
        const int Tracks = 0, Sessions = 1;
        bool isTime = (cdb[1] & InTime) != 0;
        // Some drivers have the format where older standards had it.
        int format = (cdb[2] & 0xF) != 0 ? cdb[2] & 0xF : cdb[9] >> 6;
        byte start = cdb[6];
        Span<byte> contents = stackalloc byte[4 + 2 * 8];
        contents.Clear();
        (contents[2], contents[3]) = (FirstTrack, FirstTrack);
        int length = 4;
        switch (format)
        {
            case Tracks when start is <= FirstTrack or LeadOut:
                if (start <= FirstTrack) length = AddTrack(contents, length, FirstTrack, 0, isTime);
                length = AddTrack(contents, length, LeadOut, (uint)Math.Min(Blocks, uint.MaxValue), isTime);
                break;
            case Sessions:
                length = AddTrack(contents, length, FirstTrack, 0, isTime);
                break;
            default:
                return Sense.InvalidField;
        }
        BinaryPrimitives.WriteUInt16BigEndian(contents, (ushort)(length - 2));
        return Give(data, contents[..length], WantedAt7(cdb));
    }

    private static int AddTrack(Span<byte> contents, int at, byte track, uint sector, bool isTime)
    {
        const uint FramesASecond = 75, LeadIn = 2 * FramesASecond;
        (contents[at + 1], contents[at + 2]) = (DataTrack, track);
        if (isTime)
        {
            // Minutes, seconds and frames, of which the first two seconds are not the disc's; a DVD has more than can be said.
            uint frames = Math.Min(sector, 255 * 60 * FramesASecond) + LeadIn;
            (contents[at + 5], contents[at + 6], contents[at + 7]) = ((byte)Math.Min(255, frames / (60 * FramesASecond)), (byte)(frames / FramesASecond % 60), (byte)(frames % FramesASecond));
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(contents[(at + 4)..], sector);
        }
        return at + 8;
    }

    /// <summary>READ DISC INFORMATION: complete, one session, one track.</summary>
    private ScsiAnswer TellDisc(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const byte Complete = 0x0E, NoRestriction = 0x20, DataType = 7;
        const int Size = 34;
        if ((cdb[1] & DataType) != 0) return Sense.InvalidField;
        Span<byte> disc = stackalloc byte[Size];
        disc.Clear();
        (disc[1], disc[2], disc[3], disc[4], disc[5], disc[6], disc[7]) = (Size - 2, Complete, FirstTrack, 1, FirstTrack, FirstTrack, NoRestriction);
        return Give(data, disc, WantedAt7(cdb));
    }
}
