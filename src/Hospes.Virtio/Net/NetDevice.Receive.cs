using System.Buffers.Binary;

namespace Hospes.Virtio;

using static NetLayout;

/// <summary>Packets to the guest (virtio 1.2, 5.1.6.3 and 5.1.6.4).</summary>
public sealed partial class NetDevice
{
    /// <inheritdoc/>
    public bool TryReceive(Span<byte> packet)
    {
        if (packet.Length is <= NetHeader.Size or > LongestPacket) return true;
        lock (_receiveGate)
        {
            _hasRoom = false;
            if (!_isReceiving) return false;
            int index = Steer(packet[NetHeader.Size..]) * 2;
            if (Queue(index) is not { } buffers || _wayIn?.Ask() == false) return false;
            if (!_backend.TakesHeaders && _backend.DeliversGoodChecksums && (_agreed & GuestChecksum) != 0)
            {
                packet[NetHeader.FlagsField] = NetHeader.DataValid;
            }
            bool received = (_agreed & MergeableBuffers) != 0 ? Merge(buffers, packet) : Single(buffers, packet);
            _hasRoom = received;
            if (!received) return false;
            _wayIn?.Count((ulong)packet.Length - NetHeader.Size);
            Signal(index, buffers);
            return true;
        }
    }

    /// <inheritdoc/>
    public void WaitForRoom(TimeSpan patience)
    {
        lock (_receiveGate)
        {
            // Room that came since the last try is not waited for.
            if (!_hasRoom) Monitor.Wait(_receiveGate, patience);
        }
    }

    private void RoomCame()
    {
        lock (_receiveGate)
        {
            _hasRoom = true;
            Monitor.PulseAll(_receiveGate);
        }
    }

    /// <summary>Takes a buffer, or sees to it that the driver rings when there is one.</summary>
    private static bool TryTake(VirtQueue buffers, out DescriptorChain? chain)
    {
        while (!buffers.TryTake(out chain))
        {
            if (!buffers.StartNotifications()) return false;
        }
        return true;
    }

    private static bool Single(VirtQueue buffers, Span<byte> packet)
    {
        if (!TryTake(buffers, out DescriptorChain? chain)) return false;
        BinaryPrimitives.WriteUInt16LittleEndian(packet[NetHeader.BuffersField..], 1);
        // What does not fit is lost, as on a wire with a smaller MTU.
        bool fits = chain!.WritableBytes >= packet.Length && chain.Write(0, packet);
        buffers.Complete(chain, fits ? (uint)packet.Length : 0);
        return true;
    }

    /// <summary>Puts a packet into as many buffers as it takes; if there are too few, into none.</summary>
    private bool Merge(VirtQueue buffers, Span<byte> packet)
    {
        int count = 0;
        for (long room = 0; room < packet.Length; count++)
        {
            if (count == _merged.Length || !TryTake(buffers, out DescriptorChain? chain))
            {
                while (count > 0) buffers.Return(_merged[--count]);
                return false;
            }
            _merged[count] = chain!;
            room += chain!.WritableBytes;
        }
        BinaryPrimitives.WriteUInt16LittleEndian(packet[NetHeader.BuffersField..], (ushort)count);
        ReadOnlySpan<byte> rest = packet;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> part = rest[..(int)Math.Min(rest.Length, _merged[i].WritableBytes)];
            _merged[i].Write(0, part);
            _mergedLengths[i] = (uint)part.Length;
            rest = rest[part.Length..];
        }
        // The driver takes the first and expects the others to be there.
        buffers.Complete(_merged.AsSpan(0, count), _mergedLengths.AsSpan(0, count));
        return true;
    }

    /// <summary>Packets of one flow go to one pair of queues.</summary>
    private int Steer(ReadOnlySpan<byte> frame)
    {
        int pairs = Volatile.Read(ref _pairs);
        if (pairs == 1) return 0;
        const int TypeOffset = 12, Payload = 14;
        const ushort TypeIp4 = 0x0800, TypeIp6 = 0x86DD;
        uint hash = 0;
        ushort type = frame.Length > Payload ? BinaryPrimitives.ReadUInt16BigEndian(frame[TypeOffset..]) : (ushort)0;
        // Addresses, and behind them the ports, if there are no options or extension headers: else whatever is there, which is constant enough.
        (int first, int last) = type switch
        {
            TypeIp4 => (Payload + 12, Payload + 24),
            TypeIp6 => (Payload + 8, Payload + 44),
            _ => (0, TypeOffset),
        };
        for (int at = first; at + 4 <= last && at + 4 <= frame.Length; at += 4) hash = (hash ^ BinaryPrimitives.ReadUInt32LittleEndian(frame[at..])) * 0x9E3779B1;
        return (int)((hash >> 16) % (uint)pairs);
    }
}
