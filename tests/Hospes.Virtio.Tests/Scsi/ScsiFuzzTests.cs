using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Scsi;

/// <summary>Commands and chains of any kind: whatever a guest sends, nothing outside the disk is touched, and the device lives or is broken as a whole.</summary>
public sealed class ScsiFuzzTests
{
    private static readonly byte[] s_operations = [.. Enum.GetValues<ScsiOperation>().Select(static operation => (byte)operation)];

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Units_bear_any_command(int seed, bool isDrive)
    {
        const int Commands = 300_000;
        var random = new Random(seed);
        var disk = new MemoryDisk(64 << 10);
        var tray = new Tray(hasMedium: true);
        ScsiUnit unit = ScsiUnit.Make(new ScsiUnitSettings(0, 0, disk) { Serial = "FUZZ", Tray = isDrive ? tray : null, IsReadOnly = isDrive });
        var initiator = new FakeInitiator(unit);
        byte[] cdb = new byte[32];
        for (int i = 0; i < Commands; i++)
        {
            Fill(random, cdb);
            int room = random.Next(4) == 0 ? 0 : random.Next(5000);
            byte[] data = random.Next(3) == 0 ? new byte[random.Next(2000)] : [];
            random.NextBytes(data);
            // Somebody on the host has hands too.
            if (i % 97 == 0) tray.TryOpen(force: random.Next(2) == 0);
            if (i % 97 == 50) tray.Close();
            if (i % 1009 == 0) tray.HasMedium = random.Next(2) == 0;
            if (i % 2003 == 0) unit.Reset();
            disk.Answer = i % 53 == 0 ? BlockResult.Failed : BlockResult.Ok;
            unit.Measure(cdb, initiator, out _, out _);
            ScsiAnswer answer = initiator.Try(cdb, room, data);
            answer.IsLost.ShouldBeFalse();
            answer.Passed.ShouldBeLessThanOrEqualTo((uint)Math.Max(room, data.Length));
            if (i % 1000 == 0) disk.Ranges.Clear();
        }
    }

    [Theory]
    [InlineData(3, ulong.MaxValue)]
    [InlineData(4, ~VirtioFeatures.PackedRing)]
    public void The_device_bears_any_chain(int seed, ulong features)
    {
        const int Chains = 3000;
        var random = new Random(seed);
        var tray = new Tray(hasMedium: true);
        for (int round = 0, sent = 0; sent < Chains; round++)
        {
            using var bench = new DeviceBench(new ScsiDevice([new ScsiUnitSettings(0, 0, new MemoryDisk(1 << 16)), new ScsiUnitSettings(0, 1, new MemoryDisk(1 << 16)) { Tray = tray, IsReadOnly = true }]));
            bench.Driver.Bring(features);
            for (int i = 0; i < 100; i++, sent++)
            {
                int queue = random.Next(8) == 0 ? 0 : 2;
                byte[] request = new byte[random.Next(10) == 0 ? 1 + random.Next(60) : 51 + random.Next(600)];
                random.NextBytes(request);
                if (request.Length >= 51 && random.Next(10) != 0)
                {
                    if (queue == 0) new byte[] { 0, 0, 0, 0, (byte)random.Next(9), 0, 0, 0, 1, 0, 0x40, (byte)random.Next(3) }.CopyTo(request, 0);
                    else new byte[] { 1, 0, 0x40, (byte)random.Next(3) }.CopyTo(request, 0);
                    Fill(random, request.AsSpan(19, 32));
                }
                DriverBuffer[] parts = [bench.Driver.Fill(request), .. random.Next(20) == 0 ? [] : (DriverBuffer[])[bench.Driver.Room((uint)random.Next(20) == 0 ? 90u : 108u + (uint)random.Next(1200))]];
                bench.Driver.Send(queue, parts);
                if (bench.Driver.Await(queue, DeviceBench.Patience) is not null) continue;
                bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset).ShouldBeTrue();
                bench.Driver.Bring(features);
            }
        }
    }

    /// <summary>A CDB that mostly is one of those that are understood, with small numbers.</summary>
    private static void Fill(Random random, Span<byte> cdb)
    {
        random.NextBytes(cdb);
        if (random.Next(8) != 0) cdb[0] = s_operations[random.Next(s_operations.Length)];
        if (random.Next(4) != 0) cdb[1] &= 0x1F;
        if (random.Next(3) != 0) cdb[2..].Clear();
        if (random.Next(2) == 0) for (int i = 2; i < 14; i++) cdb[i] = (byte)(random.Next(3) == 0 ? random.Next(16) : 0);
    }
}
