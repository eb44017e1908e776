using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Domains.Persistence;

/// <summary>What is done to a file of definitions.</summary>
internal enum JournalAction : byte
{
    /// <summary>It has this content.</summary>
    Write = 1,

    /// <summary>It is gone.</summary>
    Remove = 2,

    /// <summary>It has another name, which is the content.</summary>
    Rename = 3,
}

/// <summary>One change as it is written down.</summary>
/// <param name="Sequence">Rising by one from change to change.</param>
/// <param name="Boot">What the host's kernel calls the time since it was booted.</param>
/// <param name="Action">What is done.</param>
/// <param name="Name">The definition's name.</param>
/// <param name="Content">What goes with the action.</param>
internal readonly record struct JournalRecord(ulong Sequence, Guid Boot, JournalAction Action, string Name, string Content);

/// <summary>
/// A file of fixed size for changes, written from its beginning. Its blocks are there from the start, so that a change is on disk when its bytes are: no length and no map of blocks has to follow them.
/// A record is: its length, a sequence number, the boot, the action, the lengths of name and content, name and content in UTF-8, and the SHA-256 of all that. Not thread-safe.
/// </summary>
internal sealed class JournalFile : IDisposable
{
    private const int Fixed = 4 + 8 + 16 + 1 + 2 + 4;
    private readonly SafeFileHandle _file;
    private readonly int _size;
    private int _end, _lastRecord;

    /// <summary>Opens the file, making it where it is not there.</summary>
    /// <param name="path">The file; other users get no access.</param>
    /// <param name="size">How large it is, in bytes.</param>
    public JournalFile(string path, int size)
    {
        _size = size;
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (RandomAccess.GetLength(_file) == size) return;
            RandomAccess.SetLength(_file, 0);
            RandomAccess.Write(_file, new byte[size], 0);
            RandomAccess.FlushToDisk(_file);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The records in it: as many as are whole and follow each other.</summary>
    public List<JournalRecord> Read()
    {
        byte[] content = new byte[_size];
        int length = RandomAccess.Read(_file, content, 0);
        var records = new List<JournalRecord>();
        for (ReadOnlySpan<byte> rest = content.AsSpan(0, length); TryParse(rest, out JournalRecord record, out int taken); rest = rest[taken..])
        {
            if (records.Count > 0 && record.Sequence != records[^1].Sequence + 1) break;
            records.Add(record);
        }
        return records;
    }

    /// <summary>Writes a record behind the others; it is on disk when this returns.</summary>
    /// <returns>Whether there was room.</returns>
    public bool TryAppend(in JournalRecord record)
    {
        byte[] bytes = ToBytes(record);
        if (bytes.Length > _size - _end) return false;
        RandomAccess.Write(_file, bytes, _end);
        FolderSync.FlushData(_file);
        _lastRecord = _end;
        _end += bytes.Length;
        return true;
    }

    /// <summary>Takes the last record back, on disk too. Once for each that was appended.</summary>
    public void Retract() => Cut(_lastRecord);

    /// <summary>Forgets the records, on disk too.</summary>
    public void Clear() => Cut(0);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Ends the records at a place where one begins.</summary>
    private void Cut(int at)
    {
        RandomAccess.Write(_file, new byte[sizeof(int)], at);
        FolderSync.FlushData(_file);
        _end = at;
    }

    private static byte[] ToBytes(in JournalRecord record)
    {
        int name = Encoding.UTF8.GetByteCount(record.Name), content = Encoding.UTF8.GetByteCount(record.Content);
        int body = Fixed + name + content;
        byte[] bytes = new byte[body + SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(4), record.Sequence);
        record.Boot.TryWriteBytes(bytes.AsSpan(12));
        bytes[28] = (byte)record.Action;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(29), checked((ushort)name));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(31), content);
        Encoding.UTF8.GetBytes(record.Name, bytes.AsSpan(Fixed));
        Encoding.UTF8.GetBytes(record.Content, bytes.AsSpan(Fixed + name));
        SHA256.HashData(bytes.AsSpan(0, body), bytes.AsSpan(body));
        return bytes;
    }

    private static bool TryParse(ReadOnlySpan<byte> input, out JournalRecord record, out int taken)
    {
        record = default;
        taken = 0;
        if (input.Length < Fixed + SHA256.HashSizeInBytes) return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(input);
        if (length < Fixed + SHA256.HashSizeInBytes || length > input.Length) return false;
        ReadOnlySpan<byte> body = input[..(length - SHA256.HashSizeInBytes)];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, digest);
        if (!digest.SequenceEqual(input[body.Length..length])) return false;
        int name = BinaryPrimitives.ReadUInt16LittleEndian(body[29..]), content = BinaryPrimitives.ReadInt32LittleEndian(body[31..]);
        if (content < 0 || (long)Fixed + name + content != body.Length) return false;
        record = new JournalRecord(BinaryPrimitives.ReadUInt64LittleEndian(body[4..]), new Guid(body.Slice(12, 16)), (JournalAction)body[28],
            Encoding.UTF8.GetString(body.Slice(Fixed, name)), Encoding.UTF8.GetString(body[(Fixed + name)..]));
        taken = length;
        return true;
    }
}
