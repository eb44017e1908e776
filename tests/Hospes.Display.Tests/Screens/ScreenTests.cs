using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Hospes.Display.Tests.Screens;

/// <summary>Screens, those who look at them, and pictures of them in files.</summary>
public sealed class ScreenTests
{
    [Fact]
    public void A_copy_that_takes_what_changed_is_the_screen()
    {
        var random = new Random(16);
        var screen = new Screen(null, 0, 100, 100);
        var copy = new ScreenCopy();
        var changed = new List<ScreenArea>();
        byte[] seen = [];
        for (int i = 0; i < 300; i++)
        {
            if (i % 60 == 0) screen.Show(random.Next(1, 200), random.Next(1, 200));
            (int width, int height) = screen.Size;
            for (int j = random.Next(4); j > 0; j--)
            {
                int x = random.Next(width), y = random.Next(height), w = random.Next(1, 60), h = random.Next(1, 60);
                byte[] pixels = new byte[w * h * 4];
                random.NextBytes(pixels);
                screen.Draw(x, y, w, h, pixels, w * 4);
            }
            var all = new ScreenArea(0, 0, width, height);
            if (copy.Refresh(screen, all, changed))
            {
                seen = new byte[width * height * 4];
                copy.Refresh(screen, all, changed).ShouldBeFalse();
            }
            foreach (ScreenArea area in changed)
            {
                (area.X + area.Width).ShouldBeLessThanOrEqualTo(width);
                (area.Y + area.Height).ShouldBeLessThanOrEqualTo(height);
                for (int y = area.Y; y < area.Y + area.Height; y++) copy.Pixels.AsSpan(((y * width) + area.X) * 4, area.Width * 4).CopyTo(seen.AsSpan(((y * width) + area.X) * 4));
            }
            seen.ShouldBe(screen.Capture().Pixels);
            copy.Refresh(screen, all, changed).ShouldBeFalse();
            changed.ShouldBeEmpty();
        }
    }

    [Fact]
    public void Tiles_that_make_a_rectangle_are_one()
    {
        var screen = new Screen(null, 0, 160, 160);
        var copy = new ScreenCopy();
        var changed = new List<ScreenArea>();
        var all = new ScreenArea(0, 0, 160, 160);
        screen.Show(160, 160);
        copy.Refresh(screen, all, changed).ShouldBeTrue();
        copy.Refresh(screen, all, changed).ShouldBeFalse();
        changed.ShouldBe([all]);
        screen.Draw(17, 33, 30, 30, new byte[30 * 30 * 4], 120);
        screen.Draw(100, 33, 1, 1, new byte[4], 4);
        copy.Refresh(screen, all, changed);
        changed.ShouldBe([new ScreenArea(16, 32, 32, 32), new ScreenArea(96, 32, 16, 16)]);
        copy.Forget(new ScreenArea(0, 0, 1, 1));
        copy.Refresh(screen, all, changed);
        changed.ShouldBe([new ScreenArea(0, 0, 16, 16)]);
    }

    [Fact]
    public void What_is_drawn_beyond_the_screen_is_left_out()
    {
        var screen = new Screen(null, 0, 10, 10);
        screen.Show(10, 10);
        byte[] pixels = new byte[20 * 20 * 4];
        pixels.AsSpan().Fill(1);
        screen.Draw(5, 5, 20, 20, pixels, 80);
        screen.Draw(-1, 0, 2, 2, pixels, 80);
        screen.Draw(10, 0, 2, 2, pixels, 80);
        screen.Capture().Pixels.Count(static at => at == 1).ShouldBe(25 * 4);
        // A blank screen is no larger than a small one.
        screen.Request(16000, 16000);
        screen.Blank();
        screen.Size.ShouldBe((1024, 1024));
    }

    [Fact]
    public void A_pixmap_has_a_header_and_three_bytes_a_pixel()
    {
        using var output = new MemoryStream();
        PpmWriter.Write(new Picture(2, 1, [1, 2, 3, 0, 4, 5, 6, 255]), output);
        byte[] file = output.ToArray();
        Encoding.ASCII.GetString(file, 0, 11).ShouldBe("P6\n2 1\n255\n");
        file[11..].ShouldBe([3, 2, 1, 6, 5, 4]);
    }

    [Fact]
    public void A_PNG_unpacks_to_the_picture()
    {
        byte[] pixels = new byte[37 * 23 * 4];
        new Random(8).NextBytes(pixels);
        using var output = new MemoryStream();
        PngWriter.Write(new Picture(37, 23, pixels), output);
        byte[] file = output.ToArray();
        file[..8].ShouldBe([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        // The end's sum is known from every PNG.
        file[^12..].ShouldBe([0, 0, 0, 0, (byte)'I', (byte)'E', (byte)'N', (byte)'D', 0xAE, 0x42, 0x60, 0x82]);
        BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(16)).ShouldBe(37);
        BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(20)).ShouldBe(23);
        file[24..29].ShouldBe([8, 2, 0, 0, 0]);
        int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(33));
        using var packed = new ZLibStream(new MemoryStream(file, 41, length), CompressionMode.Decompress);
        byte[] above = new byte[37 * 3];
        for (int y = 0; y < 23; y++)
        {
            byte[] row = new byte[1 + (37 * 3)];
            packed.ReadExactly(row);
            row[0].ShouldBe((byte)2);
            for (int i = 0; i < above.Length; i++) above[i] += row[i + 1];
            for (int x = 0; x < 37; x++) above[(x * 3)..((x * 3) + 3)].ShouldBe(pixels[(((y * 37) + x) * 4)..((((y * 37) + x) * 4) + 3)].Reverse());
        }
        packed.ReadByte().ShouldBe(-1);
    }
}
