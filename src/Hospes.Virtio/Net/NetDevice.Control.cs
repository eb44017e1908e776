using System.Buffers.Binary;

namespace Hospes.Virtio;

using static NetLayout;

/// <summary>The control queue (virtio 1.2, 5.1.6.5).</summary>
public sealed partial class NetDevice
{
    private const int CommandSize = 2;

    private void ServeControl(int queue)
    {
        if (Queue(queue) is not { } commands) return;
        do
        {
            commands.StopNotifications();
            while (commands.TryTake(out DescriptorChain? chain))
            {
                if (chain.WritableBytes < 1)
                {
                    commands.Break(QueueFault.BadRequest);
                    return;
                }
                byte answer = Obey(chain) ? AnswerOk : AnswerError;
                commands.Complete(chain, chain.Write(0, [answer]) ? 1u : 0);
                Signal(queue, commands);
            }
        }
        while (commands.StartNotifications());
    }

    private bool Obey(DescriptorChain chain)
    {
        Span<byte> command = stackalloc byte[CommandSize + MacSize];
        int length = (int)Math.Min(chain.ReadableBytes, (uint)command.Length);
        if (length < CommandSize || !chain.Read(0, command[..length])) return false;
        ReadOnlySpan<byte> data = command[CommandSize..length];
        switch ((command[0], command[1]))
        {
            case (ClassReceive, <= ReceiveLast) when data.Length >= 1:
                // Everything that arrives is for this guest, so there is nothing to filter.
                return true;
            case (ClassMac, MacTableSet):
                return true;
            case (ClassMac, MacAddressSet) when data.Length == MacSize:
                for (int i = 0; i < MacSize; i++) SetConfig(MacField + i, data[i], 1);
                return true;
            case (ClassMultiQueue, PairsSet) when data.Length >= 2 && (_agreed & MultiQueue) != 0:
                int pairs = BinaryPrimitives.ReadUInt16LittleEndian(data);
                if (pairs < 1 || pairs > _settings.Pairs) return false;
                Volatile.Write(ref _pairs, pairs);
                return true;
            default:
                return false;
        }
    }
}
