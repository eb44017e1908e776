using System.Runtime.InteropServices;
using System.Text;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>
/// The file system device (virtio 1.2, 5.11): a folder of the host, which the guest mounts by a tag. The worker serves one request after the
/// other; none waits for anything but the host's file system.
/// </summary>
public sealed class FileSystemDevice : VirtioDevice, IFuseData
{
    /// <summary>The longest tag, in bytes of UTF-8 (5.11.4).</summary>
    public const int LongestTag = 36;

    /// <summary>PCI class: mass storage, other; as QEMU has it.</summary>
    private const uint ClassStorage = 0x018000;

    private const int QueueTotal = 2, ConfigBytes = LongestTag + 4;

    private readonly FuseServer _server;
    private readonly byte[] _request = new byte[FuseServer.LongestRequest];
    private readonly byte[] _reply = new byte[FuseServer.LongestReply];
    private DescriptorChain? _chain;

    /// <summary>Makes a device for a folder.</summary>
    /// <param name="tag">By what the guest mounts it: <see cref="IsTag"/>.</param>
    /// <param name="folder">The folder; not owned, and no other device's meanwhile.</param>
    public FileSystemDevice(string tag, SharedFolder folder)
        : base(VirtioKind.FileSystem, ClassStorage, QueueTotal, ConfigBytes)
    {
        if (!IsTag(tag)) throw new ArgumentException("a tag has 1 to 36 bytes", nameof(tag));
        _server = folder.Server;
        byte[] bytes = Encoding.UTF8.GetBytes(tag);
        for (int i = 0; i < bytes.Length; i++) SetConfig(i, bytes[i], 1);
        SetConfig(LongestTag, QueueTotal - 1, 4);
    }

    /// <inheritdoc/>
    public override ulong Features => 0;

    /// <inheritdoc/>
    uint IFuseData.Room => _chain!.WritableBytes - FuseLayout.ReplyHeader;

    /// <summary>Whether a tag is one.</summary>
    public static bool IsTag(string tag) => tag.Length > 0 && Encoding.UTF8.GetByteCount(tag) <= LongestTag && !tag.Contains('\0', StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int QueueSize(int queue) => VirtQueue.LargestSize;

    /// <inheritdoc/>
    protected internal override void Stopped() => _server.Reset();

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (Queue(queue) is not { } requests) return;
        do
        {
            requests.StopNotifications();
            while (requests.TryTake(out DescriptorChain? chain))
            {
                _chain = chain;
                bool isGood = Serve(chain, out uint written);
                _chain = null;
                if (!isGood)
                {
                    requests.Break(QueueFault.BadRequest);
                    return;
                }
                requests.Complete(chain, written);
                Signal(queue, requests);
            }
        }
        while (requests.StartNotifications());
    }

    /// <inheritdoc/>
    long IFuseData.FromFile(int file, long position, uint length) => _chain!.ReadFile(file, position, FuseLayout.ReplyHeader, length);

    /// <inheritdoc/>
    long IFuseData.ToFile(int file, long position, uint length, bool appends) =>
        _chain!.WriteFile(file, position, FuseLayout.RequestHeader + FuseLayout.WriteArguments, length, appends);

    /// <summary>Serves a request.</summary>
    /// <returns>False for one that is so wrong that it can't be answered.</returns>
    private bool Serve(DescriptorChain chain, out uint written)
    {
        written = 0;
        uint length = chain.ReadableBytes;
        Span<byte> header = _request.AsSpan(0, FuseLayout.RequestHeader);
        if (length < FuseLayout.RequestHeader || chain.WritableBytes is > 0 and < FuseLayout.ReplyHeader || !chain.Read(0, header)) return false;
        var operation = (FuseOperation)MemoryMarshal.Read<uint>(header[4..]);
        uint most = operation == FuseOperation.Write ? FuseLayout.RequestHeader + FuseLayout.WriteArguments : (uint)_request.Length;
        uint copied = Math.Min(length, most);
        if (!chain.Read(FuseLayout.RequestHeader, _request.AsSpan(FuseLayout.RequestHeader, (int)copied - FuseLayout.RequestHeader))) return false;
        Span<byte> reply = _reply.AsSpan(0, (int)Math.Min(chain.WritableBytes, (uint)_reply.Length));
        written = _server.Serve(_request.AsSpan(0, (int)copied), length, reply, this);
        // What was read is in its place already.
        bool isInPlace = operation == FuseOperation.Read && written > FuseLayout.ReplyHeader;
        return chain.Write(0, reply[..(int)(isInPlace ? FuseLayout.ReplyHeader : written)]);
    }
}
