using System.Buffers.Binary;
using System.Text;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

using static InputLayout;

/// <summary>Input devices (virtio 1.2, 5.8) behind a driver.</summary>
public sealed class InputDeviceTests : IDisposable
{
    private readonly InputDevice _keyboard = new(InputModel.Keyboard), _tablet = new(InputModel.Tablet);
    private DeviceBench? _bench;

    private VirtioDriver Driver => _bench!.Driver;

    [Fact]
    public void What_a_keyboard_has_is_asked_for_piece_by_piece()
    {
        Use(_keyboard);
        Encoding.ASCII.GetString(Ask(Name)).ShouldBe("Hospes keyboard");
        Ask(Identity).ShouldBe([6, 0, 0x27, 0x06, 1, 0, 1, 0]);
        byte[] keys = Ask(EventBits, (byte)InputEventType.Key);
        keys.Length.ShouldBe(32);
        keys[0].ShouldBe((byte)0xFE, "0 is no key (5.8.5.1)");
        keys[1..].ShouldAllBe(static at => at == 0xFF);
        Ask(EventBits, (byte)InputEventType.Led).ShouldBe([7]);
        Ask(EventBits, (byte)InputEventType.Repeat).ShouldBe([0]);
        Ask(EventBits, (byte)InputEventType.Absolute).ShouldBeEmpty();
        Ask(AxisInfo).ShouldBeEmpty();
    }

    [Fact]
    public void What_a_tablet_has_is_asked_for_piece_by_piece()
    {
        Use(_tablet);
        Encoding.ASCII.GetString(Ask(Name)).ShouldBe("Hospes tablet");
        Ask(EventBits, (byte)InputEventType.Absolute).ShouldBe([3]);
        Ask(EventBits, (byte)InputEventType.Relative).ShouldBe([0x40, 1]);
        byte[] buttons = Ask(EventBits, (byte)InputEventType.Key);
        buttons.Length.ShouldBe(0x114 / 8 + 1);
        buttons[0x110 / 8].ShouldBe((byte)0x1F);
        for (byte axis = 0; axis < 2; axis++)
        {
            byte[] range = Ask(AxisInfo, axis);
            range.Length.ShouldBe(20);
            BinaryPrimitives.ReadInt32LittleEndian(range).ShouldBe(0);
            BinaryPrimitives.ReadInt32LittleEndian(range.AsSpan(4)).ShouldBe(0x7FFF);
        }
        Ask(AxisInfo, 2).ShouldBeEmpty();
    }

    [Fact]
    public void Questions_that_have_no_answer_have_one_of_no_bytes()
    {
        Use(_tablet);
        Ask(0).ShouldBeEmpty();
        Ask(Serial).ShouldBeEmpty();
        Ask(Properties).ShouldBeEmpty();
        Ask(0x7F, 0xFF).ShouldBeEmpty();
        Ask(Name, 1).ShouldBeEmpty();
        // After an answer, too, and the rest reads as zero.
        Ask(Name);
        Ask(0xFF);
        for (ulong at = Data; at < ConfigBytes; at++) Read(at, 1).ShouldBe(0u);
        // What a driver writes behind the question changes nothing.
        Ask(Name);
        Write(Data, 4, 0xFFFF_FFFF);
        Write(Size, 1, 99);
        Encoding.ASCII.GetString(Answer()).ShouldBe("Hospes tablet");
        // Both halves in one write.
        Write(Select, 2, AxisInfo | (1 << 8));
        Read(Size, 1).ShouldBe(20u);
    }

    [Theory]
    [InlineData(VirtioFeatures.Version1)]
    [InlineData(VirtioFeatures.Version1 | VirtioFeatures.PackedRing)]
    public void Events_come_in_groups_with_an_end(ulong features)
    {
        Use(_keyboard);
        Driver.Bring(features);
        DriverBuffer[] rooms = [.. Enumerable.Range(0, 5).Select(_ => Driver.Room(EventSize))];
        foreach (DriverBuffer room in rooms) Driver.Send(Events, room);
        UntilTaken(new InputEvent(InputEventType.Key, 30, 1));
        _keyboard.Offer([new InputEvent(InputEventType.Key, 30, 0), new InputEvent(InputEventType.Key, 42, 1)]).ShouldBeTrue();
        (ushort, ushort, int)[] expected = [(1, 30, 1), (0, 0, 0), (1, 30, 0), (1, 42, 1), (0, 0, 0)];
        for (int i = 0; i < expected.Length; i++)
        {
            Driver.Await(Events, DeviceBench.Patience).ShouldNotBeNull().Written.ShouldBe((uint)EventSize);
            Event(rooms[i]).ShouldBe(expected[i]);
        }
    }

    [Fact]
    public void Events_wait_for_buffers()
    {
        Use(_keyboard);
        Driver.Bring(VirtioFeatures.Version1);
        UntilTaken(new InputEvent(InputEventType.Key, 30, 1));
        DriverBuffer room = Driver.Room(EventSize);
        Driver.Send(Events, room);
        Driver.Await(Events, DeviceBench.Patience).ShouldNotBeNull();
        Event(room).ShouldBe(((ushort)1, (ushort)30, 1));
    }

    [Fact]
    public void A_driver_that_takes_nothing_loses_presses_before_releases()
    {
        Use(_keyboard);
        _keyboard.Offer([new InputEvent(InputEventType.Key, 30, 1)]).ShouldBeFalse("no driver runs");
        Driver.Bring(VirtioFeatures.Version1);
        UntilTaken(new InputEvent(InputEventType.Key, 30, 1));
        int presses = 1;
        while (_keyboard.Offer([new InputEvent(InputEventType.Key, 30, 1)])) presses++;
        presses.ShouldBeInRange(200, InputDevice.MostWaiting / 2);
        int releases = 0;
        while (_keyboard.Offer([new InputEvent(InputEventType.Key, 30, 0)])) releases++;
        releases.ShouldBeGreaterThan(200);
        // A reset forgets all of it.
        Driver.Bring(VirtioFeatures.Version1);
        UntilTaken(new InputEvent(InputEventType.Key, 31, 1));
        DriverBuffer room = Driver.Room(EventSize);
        Driver.Send(Events, room);
        Driver.Await(Events, DeviceBench.Patience).ShouldNotBeNull();
        Event(room).ShouldBe(((ushort)1, (ushort)31, 1));
    }

    [Fact]
    public void Lights_are_those_that_the_driver_turns_on()
    {
        Use(_keyboard);
        Driver.Bring(VirtioFeatures.Version1);
        Light(1, 1);
        DeviceBench.Until(() => _keyboard.Lights == 2);
        Light(0, 7);
        DeviceBench.Until(() => _keyboard.Lights == 3);
        Light(1, 0);
        DeviceBench.Until(() => _keyboard.Lights == 1);
        // Lights that there are not, other types, short buffers.
        Light(200, 1);
        Light(ushort.MaxValue, 1);
        _bench!.Exchange(States, Driver.Fill([1, 0, 1, 0, 1, 0, 0, 0])).ShouldBe(0u);
        _bench.Exchange(States, Driver.Fill([1])).ShouldBe(0u);
        _bench.Exchange(States, Driver.Room(8)).ShouldBe(0u);
        _keyboard.Lights.ShouldBe(1);
        Driver.Reset();
        _keyboard.Lights.ShouldBe(0);
    }

    [Fact]
    public void Buffers_that_hold_no_event_break_the_queue_until_a_reset()
    {
        Use(_keyboard);
        Driver.Bring(VirtioFeatures.Version1);
        UntilTaken(new InputEvent(InputEventType.Key, 30, 1));
        Driver.Send(Events, Driver.Room(4));
        DeviceBench.Until(() => Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        Driver.Bring(VirtioFeatures.Version1);
        UntilTaken(new InputEvent(InputEventType.Key, 30, 1));
        Driver.Send(Events, new DriverBuffer(GuestBench.MemorySize + 8, EventSize, IsWritable: true));
        DeviceBench.Until(() => Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        Driver.Bring(VirtioFeatures.Version1);
        Light(0, 1);
        DeviceBench.Until(() => _keyboard.Lights == 1);
    }

    [Fact]
    public void No_question_and_no_state_does_harm()
    {
        Use(_tablet);
        Driver.Bring(VirtioFeatures.Version1);
        var random = new Random(20);
        byte[] bytes = new byte[12];
        for (int i = 0; i < 2000; i++)
        {
            random.NextBytes(bytes);
            int size = 1 << random.Next(4);
            Write((ulong)random.Next(ConfigBytes - size), size, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            ((int)Read(Size, 1)).ShouldBeInRange(0, DataBytes);
            if (i % 10 == 0) _bench!.Exchange(States, Driver.Fill(bytes.AsSpan(0, 1 + random.Next(11)))).ShouldBe(0u);
        }
        Encoding.ASCII.GetString(Ask(Name)).ShouldBe("Hospes tablet");
    }

    public void Dispose()
    {
        _bench?.Dispose();
        _keyboard.Dispose();
        _tablet.Dispose();
    }

    private void Use(InputDevice device) => _bench = new DeviceBench(device);

    /// <summary>The device takes events once its worker saw the driver.</summary>
    private void UntilTaken(InputEvent first) => DeviceBench.Until(() => _keyboard.Offer([first]));

    private void Light(ushort light, int value)
    {
        byte[] bytes = new byte[EventSize];
        bytes[0] = (byte)InputEventType.Led;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), light);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), value);
        _bench!.Exchange(States, Driver.Fill(bytes)).ShouldBe(0u);
    }

    private (ushort Type, ushort Code, int Value) Event(DriverBuffer room)
    {
        byte[] bytes = Driver.Read(room);
        return (BinaryPrimitives.ReadUInt16LittleEndian(bytes), BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(2)), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4)));
    }

    private byte[] Ask(byte select, byte subselect = 0)
    {
        Write(Select, 1, select);
        Write(Subselect, 1, subselect);
        Read(Select, 1).ShouldBe(select);
        Read(Subselect, 1).ShouldBe(subselect);
        return Answer();
    }

    private byte[] Answer() => [.. Enumerable.Range(0, (int)Read(Size, 1)).Select(at => (byte)Read((ulong)(Data + at), 1))];

    private ulong Read(ulong at, int size) => _bench!.Transport.Read(VirtioPciLayout.DeviceConfig + at, size);

    private void Write(ulong at, int size, ulong value) => _bench!.Transport.Write(VirtioPciLayout.DeviceConfig + at, size, value);
}
