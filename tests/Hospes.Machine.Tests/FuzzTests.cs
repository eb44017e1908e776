using Hospes.Hypervisor;

namespace Hospes.Machine.Tests;

/// <summary>Whatever a guest does to the devices, nothing is thrown and nothing hangs.</summary>
public sealed class FuzzTests
{
    private const int Accesses = 300_000;

    private static readonly ushort[] s_ports =
    [
        0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x64, 0x70, 0x71, 0x92, 0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD,
        0x3FE, 0x3FF, 0x505, 0x510, 0x511, 0x600, 0x601, 0xCF8, 0xCF9, 0xCFA, 0xCFB, 0xCFC, 0xCFD, 0xCFE, 0xCFF, 0xE0, 0xE3, 0xEB, 0xF4, 0xF7,
        0x2000, 0x200B, 0x2017, 0xFFFF,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_accesses_are_all_answered(int seed)
    {
        using var bench = new Bench();
        var random = new Random(seed);
        for (int i = 0; i < Accesses; i++)
        {
            int answers = bench.Engine.Vcpu.Answers;
            Packet packet = Next(bench, random);
            bench.Handle(packet);
            bool reads = packet is { IsWrite: false, Kind: PacketKind.Io or PacketKind.Memory };
            (bench.Engine.Vcpu.Answers - answers).ShouldBe(reads ? 1 : 0, $"seed {seed}, access {i}");
            if (random.Next(64) == 0) bench.Time.Advance(TimeSpan.FromTicks(random.NextInt64(1, TimeSpan.TicksPerMinute)));
            if (random.Next(64) == 0) bench.Machine.Console.Offer(new byte[random.Next(200)]);
            if (random.Next(256) == 0) bench.Machine.PressPowerButton();
            if (bench.Engine.ExternalInterrupt && random.Next(2) == 0) bench.Engine.Acknowledge!();
            if (random.Next(4096) == 0) bench.Engine.AcceptMessages = !bench.Engine.AcceptMessages;
            if (bench.Engine.Messages.Count > 10_000) bench.Engine.Messages.Clear();
        }
    }

    [Fact]
    public void Several_processors_at_once_are_answered_too()
    {
        using var bench = new Bench();
        bench.Engine.AcceptMessages = false;
        Exception?[] faults = new Exception?[3];
        Thread[] threads = [.. Enumerable.Range(0, faults.Length).Select(id => new Thread(() =>
        {
            try
            {
                var random = new Random(id);
                for (int i = 0; i < Accesses / 3; i++)
                {
                    // Reads go to the devices themselves: the one fake processor takes one answer at a time.
                    Packet packet = Next(bench, random);
                    if (packet.IsWrite || packet.Kind is PacketKind.EndOfInterrupt) bench.Handle(packet);
                }
            }
            catch (Exception fault)
            {
                faults[id] = fault;
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        faults.ShouldAllBe(fault => fault == null);
    }

    [Fact]
    public void Output_level_told_last_is_the_output_level()
    {
        int told = 0;
        var pics = new PicPair(level => Volatile.Write(ref told, level ? 1 : 0));
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(id => new Thread(() =>
        {
            var random = new Random(id);
            for (int i = 0; i < 100_000; i++)
            {
                if (random.Next(2) == 0) pics.SetLine(11, random.Next(2) == 0);
                else if (random.Next(2) == 0) pics.Write(0xA1, 1, (uint)random.Next(256));
                else pics.Write(0xA0, 1, 0x20);
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        pics.Write(0x20, 1, 0x0A);
        bool requested = (pics.Read(0x20, 1) & 4) != 0;
        (told != 0).ShouldBe(requested);
    }

    private static Packet Next(Bench bench, Random random)
    {
        bool write = random.Next(2) == 0;
        uint value = random.Next(3) switch { 0 => (uint)random.Next(256), 1 => 1u << random.Next(32), _ => (uint)random.NextInt64() };
        switch (random.Next(8))
        {
            case 0:
                return new Packet { Kind = PacketKind.EndOfInterrupt, Address = (ulong)random.Next(256) };
            case 1:
                int size = 1 << random.Next(4);
                ulong address = random.Next(3) switch
                {
                    0 => 0xFEC00000 + (ulong)random.Next(0x60),
                    1 => 0xE0000000 + (ulong)random.Next(random.Next(2) == 0 ? 0x40 : 0x10000000),
                    _ => (ulong)random.NextInt64(),
                };
                return bench.Mmio(address, size, write, value);
            default:
                ushort port = random.Next(16) == 0 ? (ushort)random.Next(0x10000) : s_ports[random.Next(s_ports.Length)];
                int width = 1 << random.Next(3);
                return bench.Io(port, width, write, width == 4 ? value : value & ((1u << width * 8) - 1));
        }
    }
}
