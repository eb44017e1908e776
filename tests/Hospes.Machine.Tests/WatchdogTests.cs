using System.Buffers.Binary;
using System.Text;

namespace Hospes.Machine.Tests;

/// <summary>Watchdogs: the one that ACPI's WDAT describes, and Intel's.</summary>
public sealed class WatchdogTests
{
    private const ulong Slot1 = 0xE000_8000, Bar = 0xC000_0000;

    [Fact]
    public void The_table_says_what_the_ports_do()
    {
        using var bench = new Bench(new MachineConfig { Memory = 64 << 20, HasWatchdog = true });
        byte[] table = Find(bench, "WDAT");
        table.Aggregate((byte)0, static (sum, at) => (byte)(sum + at)).ShouldBe((byte)0);
        BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(36)).ShouldBe(32u);
        table[40..46].ShouldBe([0xFF, 0, 0xFF, 0xFF, 0xFF, 0]);
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(64));
        table.Length.ShouldBe(68 + (24 * (int)count));
        int expired = 0;
        bench.Machine.WatchdogExpired = () => expired++;

        // A driver that knows the table only.
        Do(6, 50).ShouldBe(0u);
        Do(5).ShouldBe(50u);
        Do(8).ShouldBe(0u);
        Do(9);
        Do(8).ShouldBe(1u);
        for (int i = 0; i < 10; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(4));
            Do(4).ShouldBe(10u);
            Do(1);
        }
        expired.ShouldBe(0);
        Do(11);
        bench.Time.Advance(TimeSpan.FromHours(1));
        expired.ShouldBe(0);
        Do(9);
        bench.Time.Advance(TimeSpan.FromSeconds(4.9));
        expired.ShouldBe(0);
        bench.Time.Advance(TimeSpan.FromSeconds(0.2));
        expired.ShouldBe(1);
        Do(10).ShouldBe(1u);

        // Does what an entry of the table says (the specification's chapter 3).
        uint Do(byte action, uint argument = 0)
        {
            for (int at = 68; at < table.Length; at += 24)
            {
                if (table[at] != action) continue;
                table.AsSpan(at + 4, 4).ToArray().ShouldBe([1, 32, 0, 3]);
                int port = (int)BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(at + 8));
                uint value = BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(at + 16)), mask = BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(at + 20));
                switch (table[at + 1])
                {
                    case 0:
                        return (bench.In(port, 4) & mask) == value ? 1u : 0;
                    case 1:
                        return bench.In(port, 4) & mask;
                    case 2:
                        bench.Out(port, value & mask, 4);
                        return 0;
                    default:
                        bench.Out(port, argument & mask, 4);
                        return 0;
                }
            }
            throw new InvalidOperationException($"no action {action}");
        }
    }

    [Fact]
    public void Without_it_there_is_no_table()
    {
        using var bench = new Bench();
        Should.Throw<InvalidOperationException>(() => Find(bench, "WDAT"));
    }

    [Fact]
    public void Whatever_is_written_to_the_ports_does_no_harm()
    {
        using var bench = new Bench(new MachineConfig { Memory = 64 << 20, HasWatchdog = true });
        var random = new Random(3);
        for (int i = 0; i < 3000; i++)
        {
            int size = 1 << random.Next(3);
            bench.Out(0x520 + random.Next(16), (uint)random.Next(), size).ShouldBeTrue();
            bench.In(0x520 + random.Next(16), size);
        }
        bench.Out(0x524, uint.MaxValue, 4);
        bench.In(0x524, 4).ShouldBe(6000u);
        bench.Out(0x524, 0, 4);
        bench.In(0x524, 4).ShouldBe(10u);
    }

    [Fact]
    public void Intels_counts_twice_and_wants_keys()
    {
        using var bench = new Bench(places: [new MachineDevice(null, "w0") { IsWatchdog = true }]);
        int expired = 0;
        bench.Machine.WatchdogExpired = () => expired++;
        bench.Load(Slot1).ShouldBe(0x25AB_8086u);
        bench.Store(Slot1 + 0x10, Bar);
        bench.Store(Slot1 + 0x04, 2, 2);
        // Two counts of 1024 steps, which are about a second each.
        bench.Store(Bar, 1024);
        bench.Load(Bar).ShouldBe(0xFFFFFu, "no keys");
        Unlocked(0x00, 1024);
        Unlocked(0x04, 1024);
        bench.Load(Bar).ShouldBe(1024u);
        bench.Load(Bar + 4).ShouldBe(1024u);
        bench.Store(Slot1 + 0x68, 2, 1);
        for (int i = 0; i < 5; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(1.9));
            Unlocked(0x0C, 0x100);
        }
        expired.ShouldBe(0);
        bench.Time.Advance(TimeSpan.FromSeconds(1.9));
        bench.Store(Bar + 0x0C, 0x100);
        bench.Time.Advance(TimeSpan.FromSeconds(0.2));
        expired.ShouldBe(1);
        (bench.Load(Bar + 0x0C) & 0x200).ShouldBe(0x200u);
        Unlocked(0x0C, 0x200);
        bench.Load(Bar + 0x0C).ShouldBe(0u);
        // Turned off, told not to reset, locked.
        bench.Store(Slot1 + 0x68, 0, 1);
        bench.Store(Slot1 + 0x68, 2, 1);
        bench.Store(Slot1 + 0x68, 0, 1);
        bench.Time.Advance(TimeSpan.FromHours(1));
        expired.ShouldBe(1);
        bench.Store(Slot1 + 0x60, 0x23, 2);
        bench.Store(Slot1 + 0x68, 2, 1);
        bench.Time.Advance(TimeSpan.FromHours(1));
        expired.ShouldBe(1);
        bench.Store(Slot1 + 0x60, 0x03, 2);
        bench.Store(Slot1 + 0x68, 0, 1);
        bench.Store(Slot1 + 0x68, 3, 1);
        bench.Store(Slot1 + 0x68, 0, 1);
        bench.Load(Slot1 + 0x68, 1).ShouldBe(3u);
        bench.Time.Advance(TimeSpan.FromSeconds(3));
        expired.ShouldBe(2);

        void Unlocked(ulong register, ulong value)
        {
            bench.Store(Bar + 0x0C, 0x80, 2);
            bench.Store(Bar + 0x0C, 0x86, 2);
            bench.Store(Bar + register, value);
        }
    }

    private static byte[] Find(Bench bench, string signature)
    {
        byte[] bytes = new byte[1 << 16];
        bench.Memory.TryRead(bench.Machine.RsdpAddress, bytes).ShouldBeTrue();
        int at = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(signature));
        return at < 0 ? throw new InvalidOperationException("no such table") : bytes[at..(at + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4)))];
    }
}
