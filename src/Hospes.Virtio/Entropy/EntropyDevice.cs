using System.Security.Cryptography;

namespace Hospes.Virtio;

/// <summary>The entropy device (virtio 1.2, 5.4): fills buffers from the host's random number generator.</summary>
public sealed class EntropyDevice() : VirtioDevice(VirtioKind.Entropy, ClassOther, queues: 1, configSize: 0)
{
    /// <summary>PCI class of what fits none (PCI Code and ID Assignment 1.11, 1): QEMU has the same.</summary>
    private const uint ClassOther = 0x00FF00;

    /// <summary>How many bytes a buffer gets at most: a driver that asks for gigabytes gets fewer than it asked for (5.4.6).</summary>
    private const int MostBytes = 4096;

    private readonly byte[] _bytes = new byte[MostBytes];

    /// <inheritdoc/>
    public override ulong Features => 0;

    /// <inheritdoc/>
    public override int QueueSize(int queue) => 16;

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (Queue(queue) is not { } requests) return;
        do
        {
            requests.StopNotifications();
            while (requests.TryTake(out DescriptorChain? chain))
            {
                Span<byte> bytes = _bytes.AsSpan(0, (int)Math.Min(chain.WritableBytes, MostBytes));
                RandomNumberGenerator.Fill(bytes);
                requests.Complete(chain, chain.Write(0, bytes) ? (uint)bytes.Length : 0);
            }
            Signal(queue, requests);
        }
        while (requests.StartNotifications());
    }
}
