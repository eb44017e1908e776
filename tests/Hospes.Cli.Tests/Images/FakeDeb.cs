using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Hospes.Cli.Tests.Images;

/// <summary>Makes binary packages: an ar archive of debian-binary, control.tar.gz and data.tar.gz.</summary>
internal static class FakeDeb
{
    public static byte[] Make(params (string Path, string Text)[] files) =>
        Ar(("debian-binary", "2.0\n"u8.ToArray()), ("control.tar.gz", Tar(("./control", "Package: fake\n"))), ("data.tar.gz", Tar(files)));

    public static byte[] Ar(params (string Name, byte[] Data)[] members)
    {
        using var output = new MemoryStream();
        output.Write("!<arch>\n"u8);
        foreach ((string name, byte[] data) in members)
        {
            output.Write(Encoding.ASCII.GetBytes($"{name,-16}{"0",-12}{"0",-6}{"0",-6}{"100644",-8}{data.Length,-10}`\n"));
            output.Write(data);
            if ((data.Length & 1) != 0) output.WriteByte((byte)'\n');
        }

        return output.ToArray();
    }

    public static byte[] Tar(params (string Path, string Text)[] files)
    {
        using var output = new MemoryStream();
        using (var zip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
        using (var tar = new TarWriter(zip, TarEntryFormat.Gnu))
        {
            tar.WriteEntry(new GnuTarEntry(TarEntryType.Directory, "./boot/"));
            foreach ((string path, string text) in files)
                tar.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
            tar.WriteEntry(new GnuTarEntry(TarEntryType.SymbolicLink, "./boot/vmlinuz-link") { LinkName = "/etc/passwd" });
        }

        return output.ToArray();
    }
}
