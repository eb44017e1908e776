using System.Buffers.Binary;
using System.Text;
using Hospes.Virtio.FileSystem;
using Hospes.Virtio.FileSystem.Native;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Virtio.Tests.FileSystem;

/// <summary>A folder that is served, and a client that says what it likes. Beside the folder lies what the client must not reach.</summary>
internal sealed class FuseClient : IFuseData, IDisposable
{
    public const uint Root = 1, MostData = 1 << 20;

    private readonly byte[] _reply = new byte[FuseServer.LongestReply];
    private byte[] _data = [];
    private ulong _unique;

    public FuseClient(bool isReadOnly = false, ShareLimits? limits = null, Owners? owners = null, string? under = null)
    {
        Base = Directory.CreateDirectory(Path.Combine(under ?? Path.GetTempPath(), $"hospes-share-{Guid.NewGuid():N}")).FullName;
        Folder = Directory.CreateDirectory(Path.Combine(Base, "shared")).FullName;
        Outside = Directory.CreateDirectory(Path.Combine(Base, "outside")).FullName;
        File.WriteAllText(Path.Combine(Outside, "secret"), "secret");
        Server = FuseServer.TryOpen(Folder, isReadOnly, out int error, limits, owners).ShouldNotBeNull($"error {error}");
    }

    /// <summary>What holds both.</summary>
    public string Base { get; }

    /// <summary>The folder that is shared.</summary>
    public string Folder { get; }

    /// <summary>A folder that is not.</summary>
    public string Outside { get; }

    public FuseServer Server { get; }

    /// <summary>The data that a read gave.</summary>
    public byte[] Came { get; private set; } = [];

    public uint Room => MostData;

    /// <summary>A path in the shared folder.</summary>
    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Agrees on a version.</summary>
    public FuseClient Begin()
    {
        Call(FuseOperation.Initialize, 0, 7u, 38u, 1u << 20, uint.MaxValue).Error.ShouldBe(0);
        return this;
    }

    /// <summary>Sends a request.</summary>
    /// <param name="operation">What it asks for.</param>
    /// <param name="node">The file.</param>
    /// <param name="arguments">Numbers of 4 and 8 bytes, texts (a terminator follows) and bytes.</param>
    public Answer Call(FuseOperation operation, ulong node, params object[] arguments) => CallAs(0, operation, node, arguments);

    public Answer CallAs(uint user, FuseOperation operation, ulong node, params object[] arguments)
    {
        byte[] request = Pack(operation, node, user, arguments);
        uint length = Server.Serve(request, (uint)(request.Length + _data.Length), _reply, this);
        return length == 0 ? new Answer(0, []) : new Answer(
            -BinaryPrimitives.ReadInt32LittleEndian(_reply.AsSpan(4)), operation == FuseOperation.Read ? [] : _reply[16..(int)length]);
    }

    /// <summary>Looks a name up.</summary>
    /// <returns>The file's number.</returns>
    public ulong Find(ulong folder, string name)
    {
        Answer answer = Call(FuseOperation.Lookup, folder, name);
        answer.Error.ShouldBe(0, name);
        return answer.Long(0);
    }

    /// <summary>Makes a file and closes it.</summary>
    public ulong Make(ulong folder, string name, uint mode = 0x1A4)
    {
        Answer made = Call(FuseOperation.Create, folder, 2u, mode, 0u, 0u, name);
        made.Error.ShouldBe(0, name);
        Call(FuseOperation.Release, made.Long(0), made.Long(128), 0u, 0u, 0ul).Error.ShouldBe(0);
        return made.Long(0);
    }

    public ulong MakeFolder(ulong folder, string name)
    {
        Answer made = Call(FuseOperation.MakeFolder, folder, 0x1EDu, 0u, name);
        made.Error.ShouldBe(0, name);
        return made.Long(0);
    }

    /// <summary>Opens a file.</summary>
    public ulong Open(ulong node, uint flags)
    {
        Answer opened = Call(FuseOperation.Open, node, flags, 0u);
        opened.Error.ShouldBe(0);
        return opened.Long(0);
    }

    public Answer Write(ulong node, ulong handle, ulong offset, byte[] data, uint transferFlags = 0, uint flags = 0)
    {
        _data = data;
        Answer answer = Call(FuseOperation.Write, node, handle, offset, (uint)data.Length, transferFlags, 0ul, flags, 0u);
        _data = [];
        return answer;
    }

    public string Read(ulong node, ulong handle, ulong offset, uint size)
    {
        Call(FuseOperation.Read, node, handle, offset, size, 0u, 0ul, 0u, 0u).Error.ShouldBe(0);
        return Encoding.UTF8.GetString(Came);
    }

    /// <summary>Lists a folder.</summary>
    public List<(string Name, ulong Inode, uint Kind, ulong Node)> List(ulong node, uint size = 4096, bool plus = false)
    {
        Answer opened = Call(FuseOperation.OpenFolder, node, 0u, 0u);
        opened.Error.ShouldBe(0);
        var all = new List<(string, ulong, uint, ulong)>();
        ulong offset = 0;
        while (true)
        {
            Answer answer = Call(plus ? FuseOperation.ReadFolderPlus : FuseOperation.ReadFolder, node, opened.Long(0), offset, size, 0u, 0ul, 0u, 0u);
            answer.Error.ShouldBe(0);
            if (answer.Body.Length == 0) break;
            answer.Body.Length.ShouldBeLessThanOrEqualTo((int)size);
            for (int at = 0; at < answer.Body.Length;)
            {
                ulong child = plus ? answer.Long(at) : 0;
                if (plus) at += 128;
                int length = (int)answer.Int(at + 16);
                all.Add((Encoding.UTF8.GetString(answer.Body, at + 24, length), answer.Long(at), answer.Int(at + 20), child));
                offset = answer.Long(at + 8);
                at += (24 + length + 7) & -8;
            }
        }
        Call(FuseOperation.ReleaseFolder, node, opened.Long(0), 0u, 0u, 0ul).Error.ShouldBe(0);
        return all;
    }

    public long FromFile(int file, long position, uint length)
    {
        using var handle = new SafeFileHandle(file, ownsHandle: false);
        byte[] bytes = new byte[length];
        try
        {
            int count = RandomAccess.Read(handle, bytes, position);
            Came = bytes[..count];
            return count;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return -Errno.BadFile;
        }
    }

    public long ToFile(int file, long position, uint length, bool appends)
    {
        using var handle = new SafeFileHandle(file, ownsHandle: false);
        try
        {
            RandomAccess.Write(handle, _data.AsSpan(0, (int)Math.Min(length, (uint)_data.Length)), appends ? RandomAccess.GetLength(handle) : position);
            return length;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return -Errno.BadFile;
        }
    }

    public void Dispose()
    {
        Server.Dispose();
        File.ReadAllText(Path.Combine(Outside, "secret")).ShouldBe("secret");
        Directory.GetFileSystemEntries(Outside).Length.ShouldBe(1);
        // Names that are no UTF-8 are beyond the runtime.
        using var removed = System.Diagnostics.Process.Start("rm", ["-rf", Base]);
        removed.WaitForExit();
    }

    /// <summary>Puts a request together.</summary>
    public byte[] Pack(FuseOperation operation, ulong node, uint user, params object[] arguments)
    {
        var bytes = new List<byte>(new byte[FuseLayout.RequestHeader]);
        foreach (object argument in arguments)
        {
            bytes.AddRange(argument switch
            {
                uint number => BitConverter.GetBytes(number),
                ulong number => BitConverter.GetBytes(number),
                string text => [.. Encoding.UTF8.GetBytes(text), 0],
                byte[] plain => plain,
                _ => throw new ArgumentException("neither a number nor a text", nameof(arguments)),
            });
        }
        byte[] request = [.. bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(request, (uint)(request.Length + _data.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(4), (uint)operation);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(8), ++_unique);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(16), node);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(24), user);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(28), user);
        return request;
    }

    /// <summary>An answer: its error number, and what follows the header.</summary>
    internal readonly record struct Answer(int Error, byte[] Body)
    {
        public ulong Long(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(Body.AsSpan(offset));

        public uint Int(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Body.AsSpan(offset));

        /// <summary>The mode in an entry, and in attributes alone.</summary>
        public uint Mode(bool isEntry = true) => Int((isEntry ? 40 : 16) + 60);
    }
}
