using System.Formats.Tar;
using System.Globalization;
using System.Text;
using Hospes.Builder.Compression;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Packages;

/// <summary>Opens a compressed stream for reading, by the ending of its name; null when the ending is not known.</summary>
internal delegate Stream? Decompressor(string name, Stream compressed);

/// <summary>
/// Reads files out of a binary package (deb(5)): an ar archive whose members are <c>debian-binary</c>, <c>control.tar</c> and
/// <c>data.tar</c>, the last two compressed.
/// </summary>
internal static class DebPackage
{
    private const int MemberHeaderSize = 60;

    private static ReadOnlySpan<byte> ArchiveMagic => "!<arch>\n"u8;

    private static ReadOnlySpan<byte> MemberMagic => "`\n"u8;

    /// <summary>Copies the regular files that are wanted to a folder.</summary>
    /// <param name="package">The package, at its start.</param>
    /// <param name="label">What failures call it.</param>
    /// <param name="decompressor">Opens the compressed members.</param>
    /// <param name="target">Gives the file to write for a path like <c>boot/vmlinuz-6.1</c>, or null to pass it by.</param>
    /// <returns>The paths in the package that were copied.</returns>
    public static Outcome<IReadOnlyList<string>> Extract(Stream package, string label, Decompressor decompressor, Func<string, string?> target) =>
        Read(package, label, decompressor, data => Untar(data, target));

    /// <summary>Hands over the archive of a package's files.</summary>
    /// <param name="package">The package, at its start.</param>
    /// <param name="label">What failures call it.</param>
    /// <param name="decompressor">Opens the compressed members.</param>
    /// <param name="use">Reads the archive; what it leaves is read for its checksum.</param>
    public static Outcome<bool> Open(Stream package, string label, Decompressor decompressor, Action<Stream> use) => Read(package, label, decompressor, data =>
    {
        use(data);
        data.CopyTo(Stream.Null);
        return true;
    });

    private static Outcome<T> Read<T>(Stream package, string label, Decompressor decompressor, Func<Stream, T> use)
        where T : notnull
    {
        try
        {
            Span<byte> magic = stackalloc byte[ArchiveMagic.Length];
            package.ReadExactly(magic);
            if (!magic.SequenceEqual(ArchiveMagic)) return Wrong("is no ar archive");
            Span<byte> header = stackalloc byte[MemberHeaderSize];
            while (package.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length)
            {
                if (!header[58..].SequenceEqual(MemberMagic)) return Wrong("has a damaged member header");
                string name = Encoding.ASCII.GetString(header[..16]).TrimEnd().TrimEnd('/');
                if (!long.TryParse(Encoding.ASCII.GetString(header[48..58]).TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out long size))
                    return Wrong("has a member without a size");
                var member = new BoundedStream(package, size);
                if (name.StartsWith("data.tar", StringComparison.Ordinal))
                {
                    using Stream? data = decompressor(name, member);
                    return data is null ? Wrong($"is compressed in a way that is not known ({name})") : use(data);
                }

                member.SkipRest();
                if ((size & 1) != 0) package.ReadByte();
            }

            return Wrong("has no data");
        }
        catch (DecompressionException fault)
        {
            return new Failure(FailureKind.Format, $"the package {label} does not unpack ({fault.Message.TrimEnd('.')})", Decompressors.Remedy(fault));
        }
        catch (Exception fault) when (fault is EndOfStreamException or InvalidDataException or FormatException)
        {
            return Wrong($"is damaged ({fault.Message})");
        }

        Failure Wrong(string what) => new(FailureKind.Format, $"the package {label} {what}", "choose another archive with --mirror URL");
    }

    private static IReadOnlyList<string> Untar(Stream data, Func<string, string?> target)
    {
        var copied = new List<string>();
        using (var tar = new TarReader(data, leaveOpen: true))
        {
            while (tar.GetNextEntry() is { } entry)
            {
                string path = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || target(path) is not { } file) continue;
                using var output = new FileStream(file, FileMode.Create, FileAccess.Write);
                entry.DataStream?.CopyTo(output);
                copied.Add(path);
            }

            // The archive ends before its padding; only behind that does the compression compare its checksum.
            data.CopyTo(Stream.Null);
        }

        return copied;
    }
}
