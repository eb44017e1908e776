using System.Buffers.Text;
using System.Text;

namespace Hospes.Cli.Initramfs;

/// <summary>
/// Writes a cpio archive in the format "newc", which Linux unpacks into its first root
/// (Documentation/driver-api/early-userspace/buffer-format.rst): per file a header of 110 bytes in hexadecimal, the name,
/// the data; name and data each padded to 4 bytes.
/// </summary>
internal sealed class CpioWriter(Stream output) : IDisposable
{
    private const int HeaderSize = 110;
    private const int Alignment = 4;
    private const string Trailer = "TRAILER!!!";

    /// <summary>File types in the mode (cpio(5), <c>c_mode</c>).</summary>
    private const uint TypeDirectory = 0x4000, TypeRegular = 0x8000, TypeLink = 0xA000, TypeCharacter = 0x2000, TypeBlock = 0x6000;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private long _written;
    private uint _inode;

    /// <summary>Writes the end of the archive.</summary>
    public void Dispose() => Entry(Trailer, 0, 1, 0, 0, []);

    /// <summary>Adds a folder. The folders above it come first.</summary>
    public void Directory(string path, uint permissions = 0x1ED) => Add(path, TypeDirectory | permissions, 2, 0, 0, []);

    /// <summary>Adds a regular file.</summary>
    public void File(string path, ReadOnlySpan<byte> data, uint permissions = 0x1A4) => Add(path, TypeRegular | permissions, 1, 0, 0, data);

    /// <summary>Adds a symbolic link.</summary>
    public void Link(string path, string target) => Add(path, TypeLink | 0x1FF, 1, 0, 0, Encoding.UTF8.GetBytes(target));

    /// <summary>Adds a character device.</summary>
    public void CharacterDevice(string path, uint major, uint minor, uint permissions = 0x180) => Add(path, TypeCharacter | permissions, 1, major, minor, []);

    /// <summary>Adds a block device.</summary>
    public void BlockDevice(string path, uint major, uint minor, uint permissions = 0x180) => Add(path, TypeBlock | permissions, 1, major, minor, []);

    private void Add(string path, uint mode, uint links, uint major, uint minor, ReadOnlySpan<byte> data)
    {
        if (path.Length == 0 || path.StartsWith('/') || path == Trailer || path.Contains('\0') || !_names.Add(path))
            throw new ArgumentException($"'{path}' is no new relative path", nameof(path));
        Entry(path, mode, links, major, minor, data);
    }

    private void Entry(string path, uint mode, uint links, uint major, uint minor, ReadOnlySpan<byte> data)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        Span<byte> header = stackalloc byte[HeaderSize];
        "070701"u8.CopyTo(header);
        int at = 6;
        // Inode, mode, uid, gid, links, mtime, size, device of the file (2), device it is (2), size of the name, checksum.
        // No time and no owner: the same input makes the same archive.
        foreach (uint field in (ReadOnlySpan<uint>)
            [mode == 0 ? 0 : ++_inode, mode, 0, 0, links, 0, (uint)data.Length, 0, 0, major, minor, (uint)name.Length + 1, 0])
        {
            Utf8Formatter.TryFormat(field, header[at..], out _, new System.Buffers.StandardFormat('X', 8));
            at += 8;
        }

        Write(header);
        Write(name);
        Write([0]);
        Pad();
        Write(data);
        Pad();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        _written += bytes.Length;
    }

    private void Pad()
    {
        ReadOnlySpan<byte> zeros = [0, 0, 0];
        Write(zeros[..(int)(-_written & (Alignment - 1))]);
    }
}
