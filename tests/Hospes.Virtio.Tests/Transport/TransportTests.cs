using Hospes.Hypervisor;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Transport;

/// <summary>The registers of the virtio-pci transport (virtio 1.2, 4.1.4.3), over the entropy device.</summary>
public sealed class TransportTests : IDisposable
{
    private const int Select = 0x16, Size = 0x18, Vector = 0x1A, Enable = 0x1C, Descriptors = 0x20, QueueReset = 0x3A;

    private readonly DeviceBench _bench = new(new EntropyDevice());

    private VirtioPci Transport => _bench.Transport;

    private VirtioDriver Driver => _bench.Driver;

    [Fact]
    public void Out_of_reset_the_registers_say_what_the_device_is()
    {
        Transport.Read(0x12, 2).ShouldBe(1ul, "queues");
        Transport.Read(Size, 2).ShouldBe(16ul);
        Transport.Read(Vector, 2).ShouldBe(0xFFFFul);
        Transport.Read(0x10, 2).ShouldBe(0xFFFFul);
        Driver.Status.ShouldBe(VirtioStatus.None);
        Transport.Write(Select, 2, 1);
        Transport.Read(Size, 2).ShouldBe(0ul, "there is no queue 1");
        Transport.Write(Size, 2, 4);
        Transport.Write(Enable, 2, 1);
        Transport.Read(Enable, 2).ShouldBe(0ul);
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(VirtioFeatures.Version1 | 1ul << 50)]
    public void Features_without_version_1_or_not_offered_are_refused(ulong features)
    {
        Transport.Write(0x14, 1, 3);
        Transport.Write(0x08, 4, 0);
        Transport.Write(0x0C, 4, (uint)features);
        Transport.Write(0x08, 4, 1);
        Transport.Write(0x0C, 4, features >> 32);
        Transport.Write(0x14, 1, 11);
        Driver.Status.ShouldBe(VirtioStatus.Acknowledge | VirtioStatus.Driver);
        Transport.Write(0x14, 1, 15);
        (Driver.Status & VirtioStatus.DriverOk).ShouldBe(VirtioStatus.None, "no device without agreed features");
    }

    [Theory]
    [InlineData(VirtioFeatures.Version1)]
    [InlineData(VirtioFeatures.Version1 | VirtioFeatures.EventIndex)]
    [InlineData(ulong.MaxValue)]
    public void Requests_are_served_and_interrupt(ulong features)
    {
        Driver.Bring(features);
        for (int i = 0; i < 50; i++)
        {
            DriverBuffer room = Driver.Room(32);
            Driver[0].SetInterrupts(true);
            _bench.Exchange(0, room).ShouldBe(32u);
            Driver.Read(room).ShouldContain(static value => value != 0);
        }
        DeviceBench.Until(() => _bench.Host.Messages.Count >= 50);
        _bench.Host.Messages.ShouldAllBe(static vector => vector == 1);
    }

    [Fact]
    public void Without_messages_the_line_is_held_until_the_status_is_read()
    {
        _bench.Host.MessagesEnabled = false;
        Driver.Bring(VirtioFeatures.Version1);
        _bench.Exchange(0, Driver.Room(8));
        DeviceBench.Until(() => _bench.Host.Line);
        Transport.Read(VirtioPciLayout.InterruptStatus, 1).ShouldBe(1ul);
        _bench.Host.Line.ShouldBeFalse();
        Transport.Read(VirtioPciLayout.InterruptStatus, 1).ShouldBe(0ul);
    }

    [Fact]
    public void Bells_serve_their_queue_and_those_of_others_are_passed_on()
    {
        Driver.Bring(VirtioFeatures.Version1);
        Transport.PlaceBells(0xC0003000);
        _bench.Guest.SetTrap(TrapKind.Bell, 0xC0003000, 0x1000, Transport.Port, 1).ShouldBe(Status.Ok);
        _bench.Guest.SetTrap(TrapKind.Bell, 0xC0013000, 0x1000, Transport.Port, 2).ShouldBe(Status.Ok);
        for (int i = 0; i < 20; i++)
        {
            Driver[0].Add([Driver.Room(4)]);
            _bench.Traps[0].Ring(0xC0003000).ShouldBe(Status.Ok);
            Driver.Await(0, DeviceBench.Patience).ShouldNotBeNull();
        }
        _bench.Traps[1].Ring(0xC0013004).ShouldBe(Status.Ok);
        DeviceBench.Until(() => _bench.Host.Forwarded.Contains(0xC0013004ul));
        Transport.PlaceBells(null);
        _bench.Traps[0].Ring(0xC0003000).ShouldBe(Status.Ok);
        DeviceBench.Until(() => _bench.Host.Forwarded.Contains(0xC0003000ul));
    }

    [Fact]
    public void A_vector_that_does_not_exist_reads_back_as_none()
    {
        Transport.Write(Vector, 2, 1);
        Transport.Read(Vector, 2).ShouldBe(1ul);
        Transport.Write(Vector, 2, 2);
        Transport.Read(Vector, 2).ShouldBe(0xFFFFul);
        Transport.Write(0x10, 2, 7);
        Transport.Read(0x10, 2).ShouldBe(0xFFFFul);
    }

    [Fact]
    public void A_reset_takes_everything_back()
    {
        Driver.Bring(ulong.MaxValue);
        _bench.Exchange(0, Driver.Room(8));
        Driver.Reset();
        Transport.Read(Enable, 2).ShouldBe(0ul);
        Transport.Read(Descriptors, 8).ShouldBe(0ul);
        Transport.Read(Vector, 2).ShouldBe(0xFFFFul);
        Driver.Bring(VirtioFeatures.Version1, 4);
        _bench.Exchange(0, Driver.Room(8)).ShouldBe(8u);
    }

    [Fact]
    public void A_single_queue_can_be_reset_and_set_up_again()
    {
        Driver.Bring(ulong.MaxValue);
        for (int i = 0; i < 5; i++)
        {
            _bench.Exchange(0, Driver.Room(8)).ShouldBe(8u);
            Driver.ResetQueue(0);
            Transport.Read(Enable, 2).ShouldBe(0ul);
            Driver.SetUpQueue(0, 4 << (i & 1), 1);
        }
        _bench.Exchange(0, Driver.Room(8)).ShouldBe(8u);
    }

    [Fact]
    public void Without_the_feature_a_queue_is_not_reset()
    {
        Driver.Bring(VirtioFeatures.Version1);
        Transport.Write(Select, 2, 0);
        Transport.Write(QueueReset, 2, 1);
        Transport.Read(QueueReset, 2).ShouldBe(0ul);
        Transport.Read(Enable, 2).ShouldBe(1ul);
    }

    [Fact]
    public void A_broken_queue_needs_a_reset_and_a_reset_heals_it()
    {
        Driver.Bring(VirtioFeatures.Version1);
        Driver.Send(0, new DriverBuffer(1UL << 40, 8, true));
        DeviceBench.Until(() => (Driver.Status & VirtioStatus.NeedsReset) != 0);
        Driver.Bring(VirtioFeatures.Version1);
        _bench.Exchange(0, Driver.Room(8)).ShouldBe(8u);
    }

    [Fact]
    public void A_queue_that_cannot_be_made_needs_a_reset()
    {
        Driver.Reset();
        Driver.Negotiate(VirtioFeatures.Version1).ShouldBeTrue();
        Transport.Write(Descriptors, 8, 0x1008);
        Transport.Write(Enable, 2, 1);
        (Driver.Status & VirtioStatus.NeedsReset).ShouldBe(VirtioStatus.NeedsReset);
    }

    [Fact]
    public void Random_register_accesses_never_throw_and_a_reset_heals()
    {
        var random = new Random(5);
        int[] sizes = [1, 2, 4, 8];
        for (int i = 0; i < 200_000; i++)
        {
            ulong offset = (ulong)(random.Next(8) == 0 ? random.Next(0x4000) : random.Next(0x40));
            int size = sizes[random.Next(4)];
            ulong value = random.Next(3) == 0 ? (ulong)random.NextInt64() : (ulong)random.Next(16);
            if (random.Next(2) == 0) Transport.Read(offset, size);
            else Transport.Write(offset, size, value & (ulong.MaxValue >> (64 - size * 8)));
        }
        Driver.Bring(ulong.MaxValue);
        _bench.Exchange(0, Driver.Room(8)).ShouldBe(8u);
    }

    public void Dispose() => _bench.Dispose();
}
