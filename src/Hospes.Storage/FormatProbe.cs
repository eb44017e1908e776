using System.Buffers.Binary;

namespace Hospes.Storage;

/// <summary>Guesses a format from a file's first bytes. A guest that has the disk as raw can write any bytes there: see <see cref="DiskImage"/> for what a guess is trusted with.</summary>
internal static class FormatProbe
{
    /// <summary>How many bytes a guess looks at.</summary>
    public const int Bytes = 512;

    /// <summary>The format that the bytes say.</summary>
    public static ImageFormat Guess(ReadOnlySpan<byte> front) => IsQcow(front) && Version(front) >= 2 ? ImageFormat.Qcow2 : ImageFormat.Raw;

    /// <summary>True when this program, or QEMU, would take a file that starts so for another format than raw.</summary>
    public static bool LooksForeign(ReadOnlySpan<byte> front) =>
        IsQcow(front) || front.StartsWith("QED\0"u8) || front.StartsWith("KDMV"u8) || front.StartsWith("COWD"u8) || front.StartsWith("conectix"u8)
        || front.StartsWith("vhdxfile"u8) || LooksLuks(front) || front.StartsWith("WithoutFreeSpace"u8)
        || front.StartsWith("WithouFreSpacExt"u8) || LooksVmdkText(front) || front.StartsWith("#!/bin/sh\n#V2.0 Format"u8)
        || front.StartsWith("Bochs Virtual HD Image"u8) || (front.Length >= 68 && BinaryPrimitives.ReadUInt32LittleEndian(front[64..]) == 0xbeda107f);

    private static bool LooksLuks(ReadOnlySpan<byte> front) => front.Length >= 6 && front.StartsWith("LUKS"u8) && front[4] == 0xba && front[5] == 0xbe;

    /// <summary>VMDK's text form: comments and empty lines, then a version.</summary>
    private static bool LooksVmdkText(ReadOnlySpan<byte> front) =>
        front.Length > 0 && front[0] is (byte)'#' or (byte)' ' or (byte)'\r' or (byte)'\n' or (byte)'v' && front.IndexOf("version="u8) >= 0;

    private static bool IsQcow(ReadOnlySpan<byte> front) => front.Length >= 8 && front.StartsWith("QFI"u8) && front[3] == 0xfb;

    private static uint Version(ReadOnlySpan<byte> front) => BinaryPrimitives.ReadUInt32BigEndian(front[4..]);
}
