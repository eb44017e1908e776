using System.Globalization;
using System.Net.Sockets;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Tests;

/// <summary>
/// Messages of no library: any procedure with any bytes, and the procedures of domains with arguments that almost make sense. The daemon goes on, and answers each.
/// <c>HOSPES_FUZZ_CASES</c> asks for another number than 20,000, <c>HOSPES_FUZZ_FIRST</c> goes straight to one.
/// </summary>
public sealed class WireFuzzTests : IDisposable
{
    /// <summary>Messages of one connection.</summary>
    private const int Burst = 500;

    /// <summary>Procedures that take a domain, and act on nothing but domains.</summary>
    private static readonly int[] s_procedures = [8, 9, 12, 13, 14, 16, 20, 27, 28, 31, 32, 33, 34, 57, 58, 64, 65, 159, 160, 161, 174, 194, 196, 199, 200, 201, 204, 212, 219, 223, 234, 243, 245, 251, 252, 253, 258, 262, 264, 265, 296, 308];

    private readonly SimulatedServer _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task TheDaemonOutlivesEveryMessage()
    {
        _lab.Virsh("define", _lab.File("one"));
        byte[] uuid = _lab.Host.Find("one").Value.Uuid.ToByteArray(bigEndian: true);
        int cases = Number("HOSPES_FUZZ_CASES", 20_000), first = Number("HOSPES_FUZZ_FIRST", 0);
        for (int at = first; at < first + cases; at += Burst) await BurstAsync(at, uuid);
        _lab.Virsh("list", "--all").ShouldContain("one");
    }

    private async Task BurstAsync(int first, byte[] uuid)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_lab.SocketPath));
        var all = new XdrWriter();
        Message(all, 1, static writer => { writer.Bool(false); writer.UInt32(0); });
        for (int i = first; i < first + Burst; i++)
        {
            var random = new Random(i);
            bool any = random.Next(3) == 0;
            Message(all, any ? random.Next(-1, 460) : s_procedures[random.Next(s_procedures.Length)], writer => Arguments(writer, random, uuid, any), random, (uint)i);
        }
        // The last word: whoever answers it has been through all before.
        Message(all, 59, static _ => { });
        Task sending = Task.Run(async () =>
        {
            try
            {
                for (ReadOnlyMemory<byte> rest = all.Written; !rest.IsEmpty;) rest = rest[await socket.SendAsync(rest)..];
                socket.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                // A length that none can have: the daemon sent this client away.
            }
        });
        byte[] buffer = new byte[65536];
        try
        {
            while (await socket.ReceiveAsync(buffer) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Sent away with answers unread.
        }
        await sending;
    }

    private static void Message(XdrWriter all, int procedure, Action<XdrWriter> arguments, Random? random = null, uint serial = 1)
    {
        int start = all.Length;
        all.Int32(0);
        bool odd = random?.Next(40) == 0;
        new MessageHeader(WireLimits.RemoteProgram, 1, procedure, odd ? (MessageType)random!.Next(7) : MessageType.Call, serial, odd ? (MessageStatus)random!.Next(4) : MessageStatus.Ok).Write(all);
        arguments(all);
        all.Patch(start, all.Length - start);
    }

    private static void Arguments(XdrWriter writer, Random random, byte[] uuid, bool any)
    {
        if (any)
        {
            byte[] bytes = new byte[random.Next(80)];
            random.NextBytes(bytes);
            writer.Raw(bytes);
            return;
        }
        writer.Text("one");
        writer.Raw(uuid);
        writer.Int32(-1);
        for (int parts = random.Next(6); parts > 0; parts--)
        {
            switch (random.Next(7))
            {
                case 0: writer.Int32(random.Next(8)); break;
                case 1: writer.Int64(random.NextInt64()); break;
                case 2: writer.Text("vda"); break;
                case 3: writer.Text(s_documents[random.Next(s_documents.Length)]); break;
                case 4: writer.Int32(random.Next(2)); break;
                case 5: TypedParameter.ULong(random.Next(2) == 0 ? "cpu_shares" : "total_bytes_sec", (ulong)random.Next(4096)).Write(writer); break;
                default: writer.UInt32((uint)random.NextInt64(1L << 32)); break;
            }
        }
    }

    private static readonly string[] s_documents =
    [
        "<disk><source file='/x'/><target dev='vdb'/></disk>", "<disk device='cdrom'><target dev='vdc' bus='virtio'/></disk>", "<disk device='cdrom'><source file='/i'/><target dev='vdc' bus='virtio'/></disk>",
        "<interface type='user'><mac address='52:54:00:12:34:56'/><link state='down'/></interface>", "<rng model='virtio'><backend model='builtin'/></rng>", "<disk/>", "<", "", "\u20ac",
    ];

    private static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : otherwise;
}
