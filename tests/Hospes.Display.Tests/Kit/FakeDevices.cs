using System.Collections.Concurrent;

namespace Hospes.Display.Tests;

/// <summary>A device that keeps what is done to it.</summary>
internal sealed class FakeTarget(bool isTablet) : IInputTarget
{
    public ConcurrentQueue<InputAction[]> Groups { get; } = new();

    public string Name => isTablet ? "tablet" : "keyboard";

    public bool IsAbsolute => isTablet;

    public int Lights { get; set; }

    public bool Takes(InputAction action) => action.Kind != InputKind.Key ? isTablet : action.Code >= 0x100 == isTablet;

    public void Send(ReadOnlySpan<InputAction> group) => Groups.Enqueue(group.ToArray());

    /// <summary>Waits for so many groups, and takes them as text.</summary>
    public string Take(int count)
    {
        SpinWait.SpinUntil(() => Groups.Count >= count, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        var said = new List<string>();
        for (; count > 0 && Groups.TryDequeue(out InputAction[]? group); count--) said.Add(string.Join(',', group.Select(static at => $"{(int)at.Kind}:{at.Code}:{at.Value}")));
        return string.Join(' ', said);
    }
}

/// <summary>A server on a Unix socket, with a screen, a keyboard and a tablet.</summary>
internal sealed class Shown : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-vnc-").FullName;

    public Shown(int width = 200, int height = 120, Func<VncSettings, VncSettings>? change = null, bool hasScreen = true)
    {
        Screen = new Screen("video0", 0, width, height);
        Screen.Show(width, height);
        if (hasScreen) Seat.Add(Screen);
        Seat.Inputs.Attach(Keyboard);
        Seat.Inputs.Attach(Tablet);
        var settings = new VncSettings($"unix:{_folder}/vnc");
        Server = VncServer.TryListen(change?.Invoke(settings) ?? settings, Seat, "a guest", TimeProvider.System, out string? error)!;
        error.ShouldBeNull();
        Server.Told = (what, _) => Happened.Enqueue(what);
    }

    public Seat Seat { get; } = new();

    public Screen Screen { get; }

    public FakeTarget Keyboard { get; } = new(isTablet: false);

    public FakeTarget Tablet { get; } = new(isTablet: true);

    public VncServer Server { get; }

    public ConcurrentQueue<VncHappening> Happened { get; } = new();

    /// <summary>Draws something: few colours, many, or noise.</summary>
    public void Draw(int x, int y, int width, int height, Random random, int colours)
    {
        byte[] pixels = new byte[width * height * 4];
        int[] palette = [.. Enumerable.Range(0, colours).Select(_ => random.Next(1 << 24))];
        int run = 0, colour = 0;
        for (int i = 0; i < width * height; i++)
        {
            if (run-- == 0) (run, colour) = (random.Next(colours > 100 ? 2 : 30), palette[random.Next(colours)]);
            BitConverter.TryWriteBytes(pixels.AsSpan(i * 4), colour | (random.Next(256) << 24));
        }
        Screen.Draw(x, y, width, height, pixels, width * 4);
    }

    public void Dispose()
    {
        Server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
