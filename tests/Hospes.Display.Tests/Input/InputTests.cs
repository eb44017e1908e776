namespace Hospes.Display.Tests.Input;

/// <summary>Keys by their names and numbers, and the way to devices.</summary>
public sealed class InputTests
{
    [Theory]
    [InlineData("a", 30)]
    [InlineData("ret", 28)]
    [InlineData("ctrl", 29)]
    [InlineData("ctrl_r", 97)]
    [InlineData("kp_7", 71)]
    [InlineData("f12", 88)]
    [InlineData("less", 86)]
    [InlineData("delete", 111)]
    [InlineData("asterisk", 55)]
    [InlineData("spc", 57)]
    [InlineData("meta_l", 125)]
    public void Keys_have_Linuxs_numbers(string name, int code)
    {
        KeyTable.TryFind(name, out ushort found).ShouldBeTrue();
        found.ShouldBe((ushort)code);
    }

    [Fact]
    public void Names_and_numbers_are_unique()
    {
        KeyTable.All.Select(static key => key.Name).ShouldBeUnique();
        // A few keys have two names, of which QEMU knows both.
        foreach (KeyName key in KeyTable.All)
        {
            KeyTable.TryFind(key.Number, out ushort code).ShouldBeTrue(key.Name);
            code.ShouldBe(key.Code, key.Name);
        }
    }

    [Theory]
    [InlineData(0x1D, 29)]
    [InlineData(0x9D, 97)]
    [InlineData(0xE01D, 97)]
    [InlineData(0xE09D, 97)]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    [InlineData(0x100, 0)]
    [InlineData(0x1_0000_001D, 0)]
    public void Numbers_of_an_XT_are_understood(long number, int code) => KeyTable.TryFind(number, out ushort found).ShouldBe(code != 0 && found == code);

    [Fact]
    public void The_device_that_came_last_gets_what_is_done()
    {
        var hub = new InputHub();
        FakeTarget first = new(isTablet: false), second = new(isTablet: false), tablet = new(isTablet: true);
        hub.Takes(new InputAction(InputKind.Key, 30, 1)).ShouldBeFalse();
        hub.Attach(first);
        hub.Attach(second);
        hub.Attach(tablet);
        hub.Send(new InputAction(InputKind.Key, 30, 1), new InputAction(InputKind.Absolute, 0, 5), new InputAction(InputKind.Key, 31, 1));
        second.Take(1).ShouldBe("1:30:1,1:31:1");
        tablet.Take(1).ShouldBe("3:0:5");
        first.Groups.ShouldBeEmpty();
        hub.Detach(second);
        hub.Send(new InputAction(InputKind.Key, 30, 0));
        first.Take(1).ShouldBe("1:30:0");
    }

    [Fact]
    public void Keys_are_held_and_let_go_in_the_opposite_order()
    {
        var hub = new InputHub();
        var keyboard = new FakeTarget(isTablet: false);
        hub.Attach(keyboard);
        using var player = new KeyPlayer(hub, TimeProvider.System);
        player.Play([29, 56, 111], TimeSpan.FromMilliseconds(1)).ShouldBeTrue();
        player.Play([30], TimeSpan.FromMilliseconds(1)).ShouldBeTrue();
        keyboard.Take(8).ShouldBe("1:29:1 1:56:1 1:111:1 1:111:0 1:56:0 1:29:0 1:30:1 1:30:0");
        player.Play([31], TimeSpan.FromDays(1)).ShouldBeTrue();
        for (int i = 0; i < KeyPlayer.MostWaiting; i++) player.Play([32], TimeSpan.Zero).ShouldBeTrue();
        player.Play([33], TimeSpan.Zero).ShouldBeFalse();
        player.Dispose();
        keyboard.Take(2).ShouldBe("1:31:1 1:31:0");
    }

    [Theory]
    [InlineData(0, 100, 0)]
    [InlineData(99, 100, 0x7FFF)]
    [InlineData(500, 100, 0x7FFF)]
    [InlineData(-5, 100, 0)]
    [InlineData(0, 1, 0)]
    public void Pixels_are_places_on_an_axis(int pixel, int count, int place) => PointerCodes.Place(pixel, count).ShouldBe(place);
}
